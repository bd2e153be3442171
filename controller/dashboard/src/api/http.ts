/** One request to the controller: who asks is added here, and every refusal comes out as a `Refusal`. */
import { Refusal } from './refusal';

export type Query = Record<string, string | number | boolean | string[] | null | undefined>;

export interface Asked {
  query?: Query;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

type Listener = () => void;
let csrf = '';
let whenSignedOut: Listener = () => {};
let skew = 0;

/** What unsafe requests prove that this page sends them. */
export function setCsrf(token: string): void {
  csrf = token;
}

/** What happens when the controller does not know who asks any more. */
export function onSignedOut(listener: Listener): void {
  whenSignedOut = listener;
}

/** The controller's clock less this browser's, in milliseconds. */
export function clockSkew(): number {
  return skew;
}

export function withQuery(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === '') continue;
    for (const one of Array.isArray(value) ? value : [value]) params.append(name, String(one));
  }
  const text = params.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** Sends it, and answers the response where it succeeded. */
export async function send(method: string, path: string, asked: Asked = {}): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json', ...asked.headers };
  if (method !== 'GET' && csrf !== '') headers['x-pulse-csrf'] = csrf;
  const init: RequestInit = { method, headers, cache: 'no-store', credentials: 'same-origin' };
  if (asked.signal) init.signal = asked.signal;
  if (asked.body !== undefined) {
    headers['content-type'] = 'application/json';
    init.body = JSON.stringify(asked.body);
  }
  const response = await fetch(withQuery(path, asked.query), init).catch((thrown: unknown) => {
    if (thrown instanceof DOMException && thrown.name === 'AbortError') throw thrown;
    throw Refusal.unreachable();
  });
  measure(response);
  if (response.ok) return response;
  const refusal = await Refusal.of(response);
  if (refusal.status === 401 && !path.endsWith('/session')) whenSignedOut();
  throw refusal;
}

/** As `send`, with the answer read. */
export async function call<T>(method: string, path: string, asked: Asked = {}): Promise<T> {
  const response = await send(method, path, asked);
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

function measure(response: Response): void {
  const date = Date.parse(response.headers.get('date') ?? '');
  // The header has whole seconds; less than two are no difference worth a word.
  if (!Number.isNaN(date)) skew = Math.abs(date - Date.now()) < 2000 ? 0 : date - Date.now();
}
