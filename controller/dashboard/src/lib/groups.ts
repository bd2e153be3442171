/** Targets that ended alike, together: "198 same, 2 differ". The digests say what is equal, so no output has to be read for that. */
import type { Attempt, Target } from '../api/types';

export interface Group {
  key: string;
  status: string;
  exitCode: number | null;
  signal: number | null;
  reason: string | null;
  targets: Target[];
  /** Whose output stands for all of them. */
  attempt: Attempt | null;
  /** It is not over: its output may still differ. */
  open: boolean;
}

export const lastAttempt = (target: Target): Attempt | null => target.attempts.at(-1) ?? null;

/** What went wrong first, because it is what one looks for; then the largest, then by name, so that groups keep their places. */
export function grouped(targets: Target[]): Group[] {
  const groups = new Map<string, Group>();
  for (const target of targets) {
    const one = groupOf(target);
    const group = groups.get(one.key);
    if (group) group.targets.push(target);
    else groups.set(one.key, one);
  }
  const name = (group: Group) => group.targets[0]?.agent ?? '';
  return [...groups.values()].sort(
    (a, b) => Number(wentWrong(b)) - Number(wentWrong(a)) || b.targets.length - a.targets.length || rank(a.status) - rank(b.status) || (name(a) < name(b) ? -1 : 1),
  );
}

function groupOf(target: Target): Group {
  const attempt = lastAttempt(target);
  const [out, err] = [attempt?.stdout, attempt?.stderr];
  const open = attempt !== null && out === undefined && ['assigned', 'accepted', 'started'].includes(attempt.state);
  // What still runs, or ended nobody knows how, is alike with nothing else.
  const own = attempt !== null && out === undefined ? attempt.id : '';
  const parts = [target.status, attempt?.state, attempt?.exitCode, attempt?.signal, out?.sha256, err?.sha256, own, target.reason ?? ''];
  return {
    key: parts.map((part) => part ?? '').join('|'),
    status: target.status,
    exitCode: attempt?.exitCode ?? null,
    signal: attempt?.signal ?? null,
    reason: target.reason ?? attempt?.reason ?? null,
    targets: [target],
    attempt,
    open,
  };
}

export const wentWrong = (group: Group): boolean => ['failed', 'unknown'].includes(group.status);

/** The one that the others are compared with. */
export function largest(groups: Group[]): Group | null {
  return groups.reduce<Group | null>((most, group) => (most === null || group.targets.length > most.targets.length ? group : most), null);
}

function rank(status: string): number {
  const place = ['failed', 'unknown', 'running', 'waiting', 'pending'].indexOf(status);
  return place < 0 ? 9 : place;
}

/** `web-1, web-2 and 196 more`. */
export function names(all: string[], most = 5): string {
  const shown = all.slice(0, most).join(', ');
  return all.length > most ? `${shown} and ${all.length - most} more` : shown;
}

/** In a sentence, what the groups say. */
export function sentence(groups: Group[]): string {
  const first = largest(groups);
  if (!first) return 'no target yet';
  const total = groups.reduce((sum, group) => sum + group.targets.length, 0);
  if (total === 1) return '1 target';
  if (groups.length === 1) return first.attempt ? `all ${total} targets alike` : `${total} targets`;
  if (first.targets.length === 1) return `${total} targets, all different`;
  return `${first.targets.length} same, ${total - first.targets.length} differ`;
}
