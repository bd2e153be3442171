/** The history, page after page: what was read stays, the first page is read again when something changes. */
import { executions, type HistoryQuery } from '../api/api';
import { asRefusal, type Refusal } from '../api/refusal';
import type { Summary } from '../api/types';

const PAGE = 100;

export class History {
  items = $state.raw<Summary[]>([]);
  failure = $state.raw<Refusal | null>(null);
  loading = $state(false);
  /** Whether the first page was read. */
  begun = $state(false);
  #next: string | null = null;
  #stopped = false;
  readonly #query: HistoryQuery;

  constructor(query: HistoryQuery) {
    this.#query = query;
  }

  get isComplete(): boolean {
    return this.begun && this.#next === null;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** The next page. */
  async more(): Promise<void> {
    if (this.loading || this.isComplete || this.#stopped) return;
    await this.#read(this.#next, (items) => [...this.items, ...items]);
  }

  /** The first page again, joined with what was read before. */
  async refresh(): Promise<void> {
    if (this.loading || this.#stopped) return;
    const next = this.#next;
    const begun = this.begun;
    await this.#read(null, (items) => merged(items, this.items));
    if (begun && this.items.length > PAGE) this.#next = next;
  }

  async #read(cursor: string | null, join: (items: Summary[]) => Summary[]): Promise<void> {
    this.loading = true;
    try {
      const page = await executions.list({ ...this.#query, limit: PAGE, ...(cursor === null ? {} : { cursor }) });
      if (this.#stopped) return;
      this.items = join(page.items);
      this.#next = page.nextCursor ?? null;
      this.begun = true;
      this.failure = null;
    } catch (thrown) {
      this.failure = asRefusal(thrown);
    }
    this.loading = false;
  }
}

/** A fresh first page over an older list: the fresh rows, then those that are older than all of them. Ids are in the order of time. */
export function merged(fresh: Summary[], old: Summary[]): Summary[] {
  const last = fresh.at(-1)?.id;
  return last === undefined ? [] : [...fresh, ...old.filter((one) => one.id < last)];
}
