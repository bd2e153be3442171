/** The generated client, with who asks added to each request, and every refusal coming out as a `Refusal`. */
import createClient from 'openapi-fetch';
import { Refusal } from './refusal';
import type { paths } from './schema';

let csrf = '';
let whenSignedOut: () => void = () => {};
let skew = 0;

/** What unsafe requests prove that this page sends them. */
export function setCsrf(token: string): void {
  csrf = token;
}

/** What happens when the controller does not know who asks any more. */
export function onSignedOut(listener: () => void): void {
  whenSignedOut = listener;
}

/** The controller's clock less this browser's, in milliseconds. */
export function clockSkew(): number {
  return skew;
}

/** Paths, parameters, bodies and answers are checked against the controller's own document when this is built. */
export const client = createClient<paths>({ baseUrl: '', cache: 'no-store', credentials: 'same-origin' });

client.use({
  onRequest({ request }) {
    if (request.method !== 'GET' && csrf !== '') request.headers.set('x-pulse-csrf', csrf);
    return request;
  },
  async onResponse({ request, response }) {
    measure(response);
    if (response.ok) return response;
    const refusal = await Refusal.of(response);
    if (refusal.status === 401 && !new URL(request.url).pathname.endsWith('/session')) whenSignedOut();
    throw refusal;
  },
  onError({ error }) {
    // Whoever aborted it knows.
    return error instanceof DOMException && error.name === 'AbortError' ? error : Refusal.unreachable();
  },
});

/** The answer; a refusal was thrown before. */
export async function answered<D>(asked: Promise<{ data?: D; response: Response }>): Promise<D> {
  return (await asked).data as D;
}

function measure(response: Response): void {
  const date = Date.parse(response.headers.get('date') ?? '');
  // The header has whole seconds; less than two are no difference worth a word.
  if (!Number.isNaN(date)) skew = Math.abs(date - Date.now()) < 2000 ? 0 : date - Date.now();
}
