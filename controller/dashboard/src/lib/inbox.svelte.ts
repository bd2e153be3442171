/** What waits for a person, for the whole application: the list, the number in the tab's title, and a notification where one is wanted. */
import { prompts } from '../api/api';
import { Resource } from '../api/resource.svelte';
import type { Prompt } from '../api/types';
import { plain } from './ansi';
import { router, to } from '../router.svelte';
import { settings } from './settings.svelte';

export const inbox = new Resource<Prompt[]>((signal) => prompts.open(signal));
let known: Set<string> | null = null;

/** Tells of those that were not there before; of none when it is looked at for the first time. */
export function announce(open: Prompt[]): void {
  const fresh = known === null ? [] : open.filter((prompt) => !known?.has(prompt.id));
  known = new Set(open.map((prompt) => prompt.id));
  if (!settings.notify || document.visibilityState === 'visible' || Notification.permission !== 'granted') return;
  for (const prompt of fresh.slice(0, 3)) {
    const told = new Notification(`${prompt.name} asks`, { body: plain(prompt.message).slice(0, 200), tag: prompt.id });
    told.onclick = () => {
      window.focus();
      router.go(to.prompt(prompt.id));
    };
  }
}
