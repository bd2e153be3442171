/**
 * The WebSocket that tells what changes. A message is a hint to look: pages read again what it is about. After a gap the controller
 * tells what was missed, or `resync`; then everything that is shown is read again.
 */
import type { Notice } from './types';
import { backoff } from '../lib/backoff';

type Listener = (notice: Notice) => void;

class Live {
  /** `lost` is said only once it was there, or could not be reached. */
  state = $state<'off' | 'connecting' | 'live' | 'lost'>('off');
  lostAt = $state<number | null>(null);
  #listeners = new Set<Listener>();
  #socket: WebSocket | null = null;
  #last: string | null = null;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    addEventListener('online', () => this.retry());
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.retry());
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    if (this.state !== 'off') return;
    this.state = 'connecting';
    this.#connect();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.state = 'off';
    this.#last = null;
    this.#failures = 0;
    this.lostAt = null;
    this.#socket?.close();
    this.#socket = null;
  }

  /** Now, instead of when the next try is due. */
  retry(): void {
    if (this.state !== 'lost' || this.#socket !== null) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #connect(): void {
    const url = new URL('/api/v1/events', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    if (this.#last !== null) url.searchParams.set('after', this.#last);
    const socket = new WebSocket(url, 'pulse.v1');
    this.#socket = socket;
    socket.onmessage = (message) => this.#hear(JSON.parse(String(message.data)) as Notice);
    socket.onclose = () => this.#closed(socket);
  }

  #hear(notice: Notice): void {
    this.#last = notice.id;
    const wasLost = this.state === 'lost';
    if (this.state !== 'live') {
      this.state = 'live';
      this.lostAt = null;
      this.#failures = 0;
    }
    // Requests that failed meanwhile are told by nobody, so whoever comes back looks at everything.
    const told: Notice = notice.type === 'hello' && wasLost ? { ...notice, type: 'resync' } : notice;
    for (const listener of this.#listeners) listener(told);
  }

  #closed(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.lostAt ??= Date.now();
    this.state = 'lost';
    this.#timer = setTimeout(() => this.#connect(), backoff(this.#failures++));
  }
}

export const live = new Live();
