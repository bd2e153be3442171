/** The pages that can be gone to, for the navigation, the palette and the shortcuts. What an address shows is in `routes.ts`. */
import type { Verb } from '../api/types';

export interface PageEntry {
  href: string;
  name: string;
  icon: string;
  /** After `g`. */
  key: string;
  needs?: Verb;
}

export const PAGES: PageEntry[] = [
  { href: '/', name: 'Now', icon: 'home', key: 'n' },
  { href: '/prompts', name: 'Prompts', icon: 'inbox', key: 'p' },
  { href: '/executions', name: 'Executions', icon: 'list', key: 'e' },
  { href: '/workflows', name: 'Workflows', icon: 'flow', key: 'w' },
  { href: '/schedules', name: 'Schedules', icon: 'calendar', key: 's' },
  { href: '/agents', name: 'Fleet', icon: 'server', key: 'f' },
  { href: '/syncs', name: 'Syncs', icon: 'sync', key: 'y' },
  { href: '/pauses', name: 'Pauses', icon: 'pause', key: 'b' },
  { href: '/editor', name: 'Try a change', icon: 'edit', key: 't' },
  { href: '/tokens', name: 'Tokens', icon: 'key', key: 'k', needs: 'administer' },
  { href: '/audit', name: 'Audit', icon: 'shield', key: 'a', needs: 'audit' },
  { href: '/status', name: 'Health', icon: 'heart', key: 'h' },
];
