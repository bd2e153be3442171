/** Why a request did not do what it should: the controller's problem+json, or that nobody answered. */
import type { ManifestProblem } from './types';

export interface Fault extends Partial<ManifestProblem> {
  name?: string;
  message: string;
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly help: string | null = null,
    readonly errors: Fault[] = [],
    readonly fields: Record<string, unknown> = {},
  ) {
    super(detail);
    this.name = 'Refusal';
  }

  /** It may well work in a moment. */
  get passes(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }

  static async of(response: Response): Promise<Refusal> {
    const body: unknown = await response.json().catch(() => null);
    return Refusal.from(response.status, body);
  }

  static from(status: number, body: unknown): Refusal {
    if (typeof body !== 'object' || body === null) {
      return new Refusal(status, 'unreadable', `the answer (status ${status}) cannot be read: is this a PULSE controller?`);
    }
    const said = body as Record<string, unknown>;
    const text = (name: string) => (typeof said[name] === 'string' ? (said[name] as string) : null);
    const errors = Array.isArray(said['errors']) ? (said['errors'] as Fault[]) : [];
    return new Refusal(status, text('code') ?? 'unknown', text('detail') ?? text('title') ?? `status ${status}`, text('help'), errors, said);
  }

  static unreachable(): Refusal {
    const help = 'check your network or VPN; this page tries again by itself';
    return new Refusal(0, 'unreachable', 'the controller does not answer', help);
  }
}

/** Whatever was thrown, as something that can be shown. */
export function asRefusal(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return new Refusal(-1, 'internal', `an error inside this page: ${text}`, 'load it again; if that does not help, report it');
}
