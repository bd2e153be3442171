/** Every request that this dashboard makes, by what it is for. */
import { answered, client } from './http';
import type { paths } from './schema';
import type * as T from './types';

type Signal = AbortSignal | undefined;
type QueryOf<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? Q : never;
type BodyOf<P extends keyof paths> = paths[P] extends { post: { requestBody?: { content: { 'application/json': infer B } } } } ? B : never;

/** With a signal, where there is one. */
const heard = (signal: Signal) => (signal ? { signal } : {});

/** All pages of a list that is short by its nature, such as workflows or agents. */
async function all<R>(page: (paging: { limit: number; cursor?: string }) => Promise<{ items: unknown[]; nextCursor?: string | null }>): Promise<R[]> {
  const items: R[] = [];
  let cursor: string | null = null;
  do {
    const next: { items: unknown[]; nextCursor?: string | null } = await page(cursor === null ? { limit: 500 } : { limit: 500, cursor });
    items.push(...(next.items as R[]));
    cursor = next.nextCursor ?? null;
  } while (cursor !== null);
  return items;
}

/** Makes a click that is sent twice one execution. */
const once = () => ({ 'Idempotency-Key': crypto.randomUUID() });

export const session = {
  read: (): Promise<T.Session> => answered(client.GET('/api/v1/session')),
  open: (token: string) => answered(client.POST('/api/v1/session', { body: { token } })),
  close: () => answered(client.DELETE('/api/v1/session')),
};

const ofSource = (source: string | null | undefined) => (source ? { source } : {});

export const workflows = {
  list: (signal?: Signal) => all<T.Workflow>((query) => answered(client.GET('/api/v1/workflows', { params: { query }, ...heard(signal) }))),
  one: (name: string, source?: string | null, signal?: Signal): Promise<T.Workflow> =>
    answered(client.GET('/api/v1/workflows/{name}', { params: { path: { name }, query: ofSource(source) }, ...heard(signal) })),
};

export const schedules = {
  list: (signal?: Signal) => all<T.Schedule>((query) => answered(client.GET('/api/v1/schedules', { params: { query }, ...heard(signal) }))),
  one: async (name: string, source?: string | null, signal?: Signal) =>
    (await answered(client.GET('/api/v1/schedules/{name}', { params: { path: { name }, query: ofSource(source) }, ...heard(signal) }))) as T.Schedule,
  slots: async (name: string, source: string | null, signal?: Signal) =>
    (await answered(
      client.GET('/api/v1/schedules/{name}/slots', { params: { path: { name }, query: { limit: 50, ...ofSource(source) } }, ...heard(signal) }),
    )) as T.Page<T.Slot>,
};

export const agents = {
  list: (signal?: Signal) => all<T.Agent>((query) => answered(client.GET('/api/v1/agents', { params: { query }, ...heard(signal) }))),
  one: async (name: string, signal?: Signal) => (await answered(client.GET('/api/v1/agents/{name}', { params: { path: { name } }, ...heard(signal) }))) as T.Agent,
  revoke: (name: string) => answered(client.DELETE('/api/v1/agents/{name}', { params: { path: { name } } })),
  drain: (name: string, reason: string) => answered(client.POST('/api/v1/agents/{name}/drain', { params: { path: { name } }, body: { reason } })),
  uncordon: (name: string) => answered(client.POST('/api/v1/agents/{name}/uncordon', { params: { path: { name } } })),
  replace: (name: string): Promise<T.MadeEnrolmentToken> => answered(client.POST('/api/v1/agents/{name}/replace', { params: { path: { name } }, body: { expires: '1h' } })),
  tokens: (signal?: Signal) => all<T.EnrolmentToken>((query) => answered(client.GET('/api/v1/agents/tokens', { params: { query }, ...heard(signal) }))),
  makeToken: (body: BodyOf<'/api/v1/agents/tokens'>): Promise<T.MadeEnrolmentToken> => answered(client.POST('/api/v1/agents/tokens', { body })),
};

export type StartWish = Omit<BodyOf<'/api/v1/executions'>, 'dryRun'>;
export type HistoryQuery = NonNullable<QueryOf<'/api/v1/executions'>>;
type OutputQuery = NonNullable<QueryOf<'/api/v1/executions/{id}/output'>>;
const byId = (id: string) => ({ path: { id } });

export const executions = {
  list: async (query: HistoryQuery, signal?: Signal) =>
    (await answered(client.GET('/api/v1/executions', { params: { query }, ...heard(signal) }))) as T.Page<T.Summary>,
  one: async (id: string, signal?: Signal) => (await answered(client.GET('/api/v1/executions/{id}', { params: byId(id), ...heard(signal) }))) as T.Execution,
  events: async (id: string, query: { after?: number; limit?: number }, signal?: Signal) =>
    (await answered(client.GET('/api/v1/executions/{id}/events', { params: { ...byId(id), query }, ...heard(signal) }))) as T.Page<T.EventRecord>,
  output: async (id: string, query: OutputQuery, signal?: Signal) =>
    (await answered(client.GET('/api/v1/executions/{id}/output', { params: { ...byId(id), query }, ...heard(signal) }))) as T.Page<T.OutputPiece>,
  raw: async (id: string, attempt: string, stream: 'stdout' | 'stderr') => {
    const query = { attempt, stream, raw: true };
    return (await answered(client.GET('/api/v1/executions/{id}/output', { params: { ...byId(id), query }, parseAs: 'blob' }))) as unknown as Blob;
  },
  start: async (body: StartWish) => (await answered(client.POST('/api/v1/executions', { params: { header: once() }, body: { ...body, dryRun: false } }))) as T.Started,
  dryRun: async (body: StartWish) =>
    (await answered(client.POST('/api/v1/executions', { body: { ...body, dryRun: true } }))) as { commit: string; steps: T.DryStep[] },
  cancel: (id: string, reason: string, mode: 'drain' | 'kill') => answered(client.POST('/api/v1/executions/{id}/cancel', { params: byId(id), body: { reason, mode } })),
  retry: (id: string, body: BodyOf<'/api/v1/executions/{id}/retry'>): Promise<T.Started> =>
    answered(client.POST('/api/v1/executions/{id}/retry', { params: { ...byId(id), header: once() }, body })),
  resolve: (id: string, attempt: string, outcome: 'succeeded' | 'failed', reason: string) =>
    answered(client.POST('/api/v1/executions/{id}/resolve', { params: byId(id), body: { attempt, outcome, reason } })),
};

export const prompts = {
  open: (signal?: Signal) => all<T.Prompt>((query) => answered(client.GET('/api/v1/prompts', { params: { query }, ...heard(signal) }))),
  past: async (signal?: Signal) =>
    (await answered(client.GET('/api/v1/prompts', { params: { query: { status: 'all', limit: 50 } }, ...heard(signal) }))) as T.Page<T.Prompt>,
  one: (id: string, signal?: Signal): Promise<T.PromptDetail> => answered(client.GET('/api/v1/prompts/{id}', { params: byId(id), ...heard(signal) })),
  answer: (id: string, answer: string, comment: string) =>
    answered(client.POST('/api/v1/prompts/{id}/answer', { params: byId(id), body: { answer, comment: comment.trim() === '' ? null : comment } })),
};

export const syncs = {
  list: async (query: { source?: string; limit: number }, signal?: Signal) =>
    (await answered(client.GET('/api/v1/syncs', { params: { query }, ...heard(signal) }))) as T.Page<T.Sync>,
  one: (id: string, signal?: Signal): Promise<T.Sync> => answered(client.GET('/api/v1/syncs/{id}', { params: byId(id), ...heard(signal) })),
  look: (source: string): Promise<T.Sync> => answered(client.POST('/api/v1/syncs', { body: { source } })),
  confirm: (id: string, commit: string, planDigest: string): Promise<T.Sync> =>
    answered(client.POST('/api/v1/syncs/{id}/confirm', { params: byId(id), body: { commit, planDigest } })),
  sources: (signal?: Signal) => all<T.Source>((query) => answered(client.GET('/api/v1/sources', { params: { query }, ...heard(signal) }))),
};

export const pauses = {
  list: async (everything: boolean, signal?: Signal) =>
    (await answered(client.GET('/api/v1/pauses', { params: { query: everything ? { all: true, limit: 200 } : { limit: 200 } }, ...heard(signal) }))) as T.Page<T.Pause>,
  set: (scope: string, reason: string, expires: string): Promise<T.Pause> =>
    answered(client.POST('/api/v1/pauses', { body: { scope, reason, expires: expires === '' ? null : expires } })),
  end: (id: string): Promise<T.Pause> => answered(client.DELETE('/api/v1/pauses/{id}', { params: byId(id) })),
};

export const tokens = {
  list: (signal?: Signal) => all<T.ApiToken>((query) => answered(client.GET('/api/v1/tokens', { params: { query }, ...heard(signal) }))),
  make: (body: BodyOf<'/api/v1/tokens'>): Promise<T.MadeApiToken> => answered(client.POST('/api/v1/tokens', { body })),
  revoke: (id: string) => answered(client.DELETE('/api/v1/tokens/{id}', { params: byId(id) })),
};

export const users = {
  list: (signal?: Signal) => all<T.User>((query) => answered(client.GET('/api/v1/users', { params: { query }, ...heard(signal) }))),
};

interface File {
  path: string;
  content: string;
}
const asFiles = (files: File[]) => files.map((file) => ({ ...file, encoding: 'utf-8' as const, executable: false }));

export const manifests = {
  validate: (files: File[]) => answered(client.POST('/api/v1/validate', { body: { files: asFiles(files) } })),
  plan: (files: File[], source: string): Promise<T.Plan> => answered(client.POST('/api/v1/plan', { body: { files: asFiles(files), source } })),
  schema: async (kind: string) => (await answered(client.GET('/schemas/{name}', { params: { path: { name: `${kind}.json` } } }))) as Record<string, unknown>,
};

export type AuditQuery = NonNullable<QueryOf<'/api/v1/audit'>>;

export const audit = {
  list: (query: AuditQuery, signal?: Signal): Promise<T.Page<T.AuditEntry>> => answered(client.GET('/api/v1/audit', { params: { query }, ...heard(signal) })),
  verify: (): Promise<T.AuditVerdict> => answered(client.GET('/api/v1/audit/verify')),
};

export const commands = {
  /** One command on a selection: an execution like any other. */
  run: async (targets: string[], command: string, reason: string) => {
    // What is left out has its default, which the document's types do not know of.
    const said: Partial<BodyOf<'/api/v1/commands'>> = { targets, command, ...(reason === '' ? {} : { reason }) };
    return (await answered(client.POST('/api/v1/commands', { body: said as BodyOf<'/api/v1/commands'> }))) as T.Started;
  },
};

export const settings = {
  read: (signal?: Signal): Promise<T.Settings> => answered(client.GET('/api/v1/settings', { ...heard(signal) })),
};

export const health = {
  /** Also while the controller cannot serve: then it says why. */
  read: async (): Promise<T.Health> => {
    const response = await fetch('/health', { cache: 'no-store' });
    return (await response.json()) as T.Health;
  },
};
