/** Keys that work everywhere: Ctrl/Cmd+K, `?`, `/`, and `g` before a page's letter. Inside a field only Ctrl/Cmd+K does. */

interface Does {
  palette: () => void;
  help: () => void;
  go: (key: string) => void;
}

/** How long after `g` a letter still counts. */
const G_MS = 1500;

export class Shortcuts {
  #gAt = -Infinity;
  readonly #does: Does;

  constructor(does: Does) {
    this.#does = does;
  }

  /** `single`: whether keys without a modifier count; some people's speech input presses them unmeant. */
  press(event: KeyboardEvent, single: boolean): void {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      this.#does.palette();
      return;
    }
    if (!single || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || isModal()) return;
    const afterG = event.timeStamp - this.#gAt < G_MS;
    this.#gAt = -Infinity;
    if (afterG) this.#does.go(event.key);
    else if (event.key === 'g') this.#gAt = event.timeStamp;
    else if (event.key === '?') this.#does.help();
    else if (event.key === '/') {
      const search = document.querySelector<HTMLInputElement>('[data-search]');
      if (search) search.focus();
      else this.#does.palette();
    } else if (event.key === 'j' || event.key === 'k') step(event.key === 'j' ? 1 : -1);
    else return;
    event.preventDefault();
  }
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  // The editor lives in a shadow root, so that its host is what is seen here.
  return target.isContentEditable || target.shadowRoot !== null || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

const isModal = (): boolean => document.querySelector('dialog[open]') !== null;

/** To the next or the previous line of a list. */
function step(by: number): void {
  const all = [...document.querySelectorAll<HTMLElement>('[data-item]')];
  const at = all.findIndex((one) => one === document.activeElement || one.contains(document.activeElement));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}
