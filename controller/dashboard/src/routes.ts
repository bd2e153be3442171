/** Which page an address shows. Each page is a chunk of its own, loaded when it is first wanted. */
import type { Component } from 'svelte';

type Page = Component<{ id: string }>;
type Load = () => Promise<{ default: Page }>;

interface Route {
  path: RegExp;
  title: string;
  load: Load;
}

const load = (made: () => Promise<{ default: unknown }>): Load => made as Load;
const ROUTES: Route[] = [
  { path: /^\/$/, title: 'Now', load: load(() => import('./pages/Now.svelte')) },
  { path: /^\/prompts$/, title: 'Prompts', load: load(() => import('./pages/Prompts.svelte')) },
  { path: /^\/prompts\/([^/]+)$/, title: 'Prompt', load: load(() => import('./pages/Prompt.svelte')) },
  { path: /^\/executions$/, title: 'Executions', load: load(() => import('./pages/Executions.svelte')) },
  { path: /^\/executions\/([^/]+)$/, title: 'Execution', load: load(() => import('./pages/Execution.svelte')) },
  { path: /^\/compare$/, title: 'Compare', load: load(() => import('./pages/Compare.svelte')) },
  { path: /^\/workflows$/, title: 'Workflows', load: load(() => import('./pages/Workflows.svelte')) },
  { path: /^\/workflows\/([^/]+)$/, title: 'Workflow', load: load(() => import('./pages/Workflow.svelte')) },
  { path: /^\/schedules$/, title: 'Schedules', load: load(() => import('./pages/Schedules.svelte')) },
  { path: /^\/schedules\/([^/]+)$/, title: 'Schedule', load: load(() => import('./pages/Schedule.svelte')) },
  { path: /^\/agents$/, title: 'Fleet', load: load(() => import('./pages/Agents.svelte')) },
  { path: /^\/agents\/([^/]+)$/, title: 'Agent', load: load(() => import('./pages/Agent.svelte')) },
  { path: /^\/syncs$/, title: 'Syncs', load: load(() => import('./pages/Syncs.svelte')) },
  { path: /^\/syncs\/([^/]+)$/, title: 'Sync', load: load(() => import('./pages/Sync.svelte')) },
  { path: /^\/pauses$/, title: 'Pauses', load: load(() => import('./pages/Pauses.svelte')) },
  { path: /^\/editor$/, title: 'Try a change', load: load(() => import('./pages/Editor.svelte')) },
  { path: /^\/tokens$/, title: 'Tokens', load: load(() => import('./pages/Tokens.svelte')) },
  { path: /^\/audit$/, title: 'Audit', load: load(() => import('./pages/Audit.svelte')) },
  { path: /^\/status$/, title: 'Health', load: load(() => import('./pages/Health.svelte')) },
];

export interface Found {
  id: string;
  title: string;
  load: Load;
}

export function routeOf(path: string): Found | null {
  for (const route of ROUTES) {
    const match = route.path.exec(path);
    if (match) return { id: decode(match[1] ?? ''), title: route.title, load: route.load };
  }
  return null;
}

/** An address that nobody could have made is shown as it stands. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
