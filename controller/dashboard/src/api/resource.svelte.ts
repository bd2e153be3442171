/**
 * Something that is read from the controller, shown, and read again when a notice says that it may have changed. What is on the screen
 * stays while the new is on its way, and where that fails; the failure stands beside it.
 */
import { untrack } from 'svelte';
import { live } from './live.svelte';
import { asRefusal, type Refusal } from './refusal';
import type { Notice } from './types';

/** At most so often, whatever happens on the fleet. */
const PACE_MS = 250;
/** A request that failed in passing is made again after so long. */
const AGAIN_MS = 3000;

export class Resource<T> {
  data = $state.raw<T | undefined>(undefined);
  failure = $state.raw<Refusal | null>(null);
  loading = $state(true);
  readonly #read: (signal: AbortSignal) => Promise<T>;
  #abort: AbortController | null = null;
  #again = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #readAt = 0;

  constructor(read: (signal: AbortSignal) => Promise<T>) {
    this.#read = read;
  }

  /** Reads again, soon; many calls are one request. */
  refresh = (): void => {
    if (this.#abort !== null) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.fetch(), Math.max(0, this.#readAt + PACE_MS - Date.now()));
  };

  /** Reads now, and forgets a request that is under way. The effect that calls this depends on what `read` looks at. */
  async fetch(): Promise<void> {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#readAt = Date.now();
    untrack(() => (this.loading = true));
    try {
      const data = await this.#read(abort.signal);
      if (this.#abort !== abort) return;
      [this.data, this.failure] = [data, null];
    } catch (thrown) {
      if (this.#abort !== abort) return;
      this.failure = asRefusal(thrown);
      if (this.failure.passes) this.#timer = setTimeout(() => void this.fetch(), AGAIN_MS);
    }
    this.#abort = null;
    this.loading = false;
    if (this.#again) {
      this.#again = false;
      this.refresh();
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = null;
  }
}

/**
 * A resource of a component: read when it appears and when what `read` looks at (before its first `await`) changes, and after each
 * notice that `touches` it.
 */
export function resource<T>(read: (signal: AbortSignal) => Promise<T>, touches: (notice: Notice) => boolean = () => false): Resource<T> {
  const made = new Resource(read);
  $effect(() => {
    void made.fetch();
    return () => made.close();
  });
  $effect(() => live.listen((notice) => (notice.type === 'resync' || touches(notice)) && made.refresh()));
  return made;
}
