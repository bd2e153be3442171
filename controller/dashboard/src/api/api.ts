/** Every request that this dashboard makes, by what it is for. */
import { call, send, type Query } from './http';
import type * as T from './types';

const at = (...parts: string[]) => `/api/v1/${parts.map(encodeURIComponent).join('/')}`;
type Signal = AbortSignal | undefined;
const get = <R>(path: string, query: Query = {}, signal?: Signal) => call<R>('GET', path, signal ? { query, signal } : { query });
const post = <R>(path: string, body: unknown = {}, headers: Record<string, string> = {}) => call<R>('POST', path, { body, headers });

/** All pages of a list that is short by its nature, such as workflows or agents. */
async function all<R>(path: string, query: Query = {}, signal?: Signal): Promise<R[]> {
  const items: R[] = [];
  let cursor: string | null = null;
  do {
    const page: T.Page<R> = await get<T.Page<R>>(path, { ...query, limit: 500, cursor }, signal);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
}

/** Makes a click that is sent twice one execution. */
const once = () => ({ 'idempotency-key': crypto.randomUUID() });

export const session = {
  read: () => get<T.Session>(at('session')),
  open: (token: string) => post<void>(at('session'), { token }),
  close: () => call<void>('DELETE', at('session')),
};

export const workflows = {
  list: (signal?: Signal) => all<T.Workflow>(at('workflows'), {}, signal),
  one: (name: string, source?: string | null, signal?: Signal) => get<T.Workflow>(at('workflows', name), { source }, signal),
};

export const schedules = {
  list: (signal?: Signal) => all<T.Schedule>(at('schedules'), {}, signal),
  one: (name: string, source?: string | null, signal?: Signal) => get<T.Schedule>(at('schedules', name), { source }, signal),
  slots: (name: string, query: Query, signal?: Signal) => get<T.Page<T.Slot>>(at('schedules', name, 'slots'), query, signal),
};

export const agents = {
  list: (signal?: Signal) => all<T.Agent>(at('agents'), {}, signal),
  one: (name: string, signal?: Signal) => get<T.Agent>(at('agents', name), {}, signal),
  revoke: (name: string) => call<void>('DELETE', at('agents', name)),
  act: (name: string, verb: 'cordon' | 'uncordon' | 'drain' | 'replace', body: unknown) => post<unknown>(at('agents', name, verb), body),
  tokens: (signal?: Signal) => all<T.EnrolmentToken>(at('agents', 'tokens'), {}, signal),
  makeToken: (wanted: unknown) => post<T.EnrolmentToken>(at('agents', 'tokens'), wanted),
};

export const tokens = {
  list: (signal?: Signal) => all<T.ApiToken>(at('tokens'), {}, signal),
  make: (wanted: unknown) => post<T.ApiToken>(at('tokens'), wanted),
  revoke: (id: string) => call<unknown>('DELETE', at('tokens', id)),
};

export const users = {
  list: (signal?: Signal) => all<T.User>(at('users'), {}, signal),
};

export interface StartWish {
  workflow: string;
  source?: string;
  params: Record<string, unknown>;
  limit?: string;
}

export const executions = {
  list: (query: Query, signal?: Signal) => get<T.Page<T.Summary>>(at('executions'), query, signal),
  one: (id: string, signal?: Signal) => get<T.Execution>(at('executions', id), {}, signal),
  events: (id: string, query: Query, signal?: Signal) => get<T.Page<T.EventRecord>>(at('executions', id, 'events'), query, signal),
  output: (id: string, query: Query, signal?: Signal) => get<T.Page<T.OutputPiece>>(at('executions', id, 'output'), query, signal),
  raw: (id: string, attempt: string, stream: string) => send('GET', at('executions', id, 'output'), { query: { attempt, stream, raw: true } }),
  start: (wish: StartWish) => post<T.Started>(at('executions'), wish, once()),
  dryRun: (wish: StartWish) => post<{ commit: string; params: Record<string, unknown>; steps: T.DryStep[] }>(at('executions'), { ...wish, dryRun: true }),
  cancel: (id: string, reason: string, mode: 'drain' | 'kill') => post<{ changed: boolean }>(at('executions', id, 'cancel'), { reason, mode }),
  retry: (id: string, wish: { from: string; commit: string; includeUnknown?: boolean }) => post<T.Started>(at('executions', id, 'retry'), wish, once()),
  resolve: (id: string, attempt: string, outcome: string, reason: string) =>
    post<{ changed: boolean }>(at('executions', id, 'resolve'), { attempt, outcome, reason }),
};

export const prompts = {
  open: (signal?: Signal) => all<T.Prompt>(at('prompts'), {}, signal),
  list: (query: Query, signal?: Signal) => get<T.Page<T.Prompt>>(at('prompts'), query, signal),
  one: (id: string, signal?: Signal) => get<T.PromptDetail>(at('prompts', id), {}, signal),
  answer: (id: string, answer: string, comment: string) =>
    post<{ changed: boolean; status: string; name: string }>(at('prompts', id, 'answer'), comment.trim() === '' ? { answer } : { answer, comment }),
};

export const syncs = {
  list: (query: Query, signal?: Signal) => get<T.Page<T.Sync>>(at('syncs'), query, signal),
  one: (id: string, signal?: Signal) => get<T.Sync>(at('syncs', id), {}, signal),
  look: (source: string) => post<T.Sync>(at('syncs'), { source }),
  confirm: (id: string, commit: string, planDigest: string) => post<T.Sync>(at('syncs', id, 'confirm'), { commit, planDigest }),
  sources: (signal?: Signal) => all<T.Source>(at('sources'), {}, signal),
};

export const pauses = {
  list: (everything: boolean, signal?: Signal) => get<T.Page<T.Pause>>(at('pauses'), everything ? { all: true, limit: 200 } : { limit: 200 }, signal),
  set: (scope: string, reason: string, expires: string) => post<T.Pause>(at('pauses'), expires === '' ? { scope, reason } : { scope, reason, expires }),
  end: (id: string) => call<T.Pause>('DELETE', at('pauses', id)),
};

interface File {
  path: string;
  content: string;
}

export const manifests = {
  validate: (files: File[]) => post<{ valid: boolean; manifests: number; problems: T.ManifestProblem[] }>(at('validate'), { files }),
  plan: (files: File[], source: string) => post<T.Plan>(at('plan'), { files, source }),
  planOf: (ref: string, source: string) => post<T.Plan>(at('plan'), { ref, source }),
  schema: (kind: string) => get<Record<string, unknown>>(`/schemas/${kind}.json`),
};

export const audit = {
  list: (query: Query, signal?: Signal) => get<T.Page<T.AuditEntry>>(at('audit'), query, signal),
};

export const health = {
  /** Also while the controller cannot serve: then it says why. */
  read: async (): Promise<T.Health> => {
    const response = await fetch('/health', { cache: 'no-store' });
    return (await response.json()) as T.Health;
  },
};
