/** The output of one stream of one attempt, read page by page and then followed as long as the command runs. */
import { executions } from '../api/api';
import { asRefusal, type Refusal } from '../api/refusal';
import type { OutputPiece } from '../api/types';
import { bytes } from './time';

const FOLLOW_MS = 1000;
/** More than the controller keeps of a stream; what would be more is left to the download. */
const MOST_CHARS = 6_000_000;

export class Output {
  text = $state.raw('');
  cut = $state(0);
  /** Everything that there is was read, and no more can come. */
  done = $state(false);
  failure = $state.raw<Refusal | null>(null);
  #end = 0;
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wake: (() => void) | null = null;

  constructor(
    readonly execution: string,
    readonly attempt: string,
    readonly stream: 'stdout' | 'stderr',
    /** Whether the command may still write. */
    private readonly isOpen: () => boolean,
  ) {}

  async follow(): Promise<void> {
    while (!this.#stopped && this.text.length < MOST_CHARS) {
      const open = this.isOpen();
      const more = await this.#read();
      if (this.#stopped) return;
      if (more === false && !open && this.failure === null) {
        this.done = true;
        return;
      }
      if (more !== true) await this.#sleep();
    }
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#wake?.();
  }

  /** Whether there may be more at once; `null` where it failed. */
  async #read(): Promise<boolean | null> {
    try {
      const page = await executions.output(this.execution, { attempt: this.attempt, stream: this.stream, from: this.#end });
      if (this.#stopped) return false;
      this.failure = null;
      if (page.items.length > 0) this.text += page.items.map((piece) => this.#taken(piece)).join('');
      return page.items.length > 0;
    } catch (thrown) {
      this.failure = asRefusal(thrown);
      return null;
    }
  }

  #taken(piece: OutputPiece): string {
    const gap = piece.offset - this.#end;
    this.#end = piece.end;
    this.cut = piece.cut;
    return (gap > 0 ? `\n\u2026 ${bytes(gap)} that came here are not kept \u2026\n` : '') + piece.text;
  }

  #sleep(): Promise<void> {
    return new Promise((wake) => {
      this.#wake = wake;
      this.#timer = setTimeout(wake, FOLLOW_MS);
    });
  }
}
