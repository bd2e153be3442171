/** The history's filters, as they stand in the address, and as the API wants them. */
import type { HistoryQuery } from '../api/api';

export const FILTERS = ['workflow', 'status', 'startedBy', 'agent', 'commit', 'label', 'since', 'until', 'source'] as const;
export type Filters = Partial<Record<(typeof FILTERS)[number], string>>;

export function filtersOf(query: URLSearchParams): Filters {
  const filters: Filters = {};
  for (const name of FILTERS) {
    const values = query.getAll(name).filter((value) => value !== '');
    if (values.length > 0) filters[name] = name === 'label' ? values.join(',') : (values[0] ?? '');
  }
  return filters;
}

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** `2h`, `7d`: so long ago; a local date and time; or RFC 3339. `null` where it is none of them. */
export function instant(text: string, now: number): string | null {
  const ago = /^(\d{1,5})([mhdw])$/.exec(text.trim());
  if (ago) return new Date(now - Number(ago[1]) * (UNITS[ago[2] ?? ''] ?? 0)).toISOString();
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}

export function toQuery(filters: Filters, now: number): HistoryQuery {
  const query: Record<string, string> = { ...filters };
  for (const name of ['since', 'until'] as const) {
    const text = filters[name];
    if (text) query[name] = instant(text, now) ?? text;
  }
  // What is no status, and whatever else is wrong, is for the controller to say.
  return query as HistoryQuery;
}

/** Whether a change of an execution may change what these filters show. */
export function concerns(filters: Filters, notice: { type: string; workflow?: string }): boolean {
  return notice.type === 'execution' && (!filters.workflow || filters.workflow === notice.workflow);
}
