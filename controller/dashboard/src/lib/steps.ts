/** Steps of an execution, as rows in time. */
import type { Execution, Step } from '../api/types';

export interface Bar {
  /** Percent of the whole. */
  from: number;
  width: number;
}

export const keyOf = (step: Step): string => (step.visit > 1 ? `${step.id}/${step.visit}` : step.id);

/** Where each step's bar lies between the execution's beginning and its end, or now. */
export function bars(execution: Execution, now: number): Map<string, Bar> {
  const begin = Date.parse(execution.startedAt ?? execution.createdAt);
  const end = Math.max(begin + 1, execution.endedAt ? Date.parse(execution.endedAt) : now);
  const made = new Map<string, Bar>();
  for (const step of execution.steps) {
    if (!step.startedAt || step.carried) continue;
    const [from, until] = [Date.parse(step.startedAt), step.endedAt ? Date.parse(step.endedAt) : end];
    const share = (instant: number) => Math.min(100, Math.max(0, ((instant - begin) / (end - begin)) * 100));
    made.set(keyOf(step), { from: share(from), width: Math.max(0.6, share(until) - share(from)) });
  }
  return made;
}

/** The step that somebody wants to see first: what failed, else what is not over, else the last that ran. */
export function mostInteresting(steps: Step[]): Step | null {
  const begun = steps.filter((step) => step.startedAt);
  return (
    steps.find((step) => step.status === 'unknown') ??
    begun.findLast((step) => step.status === 'failed') ??
    begun.find((step) => step.status === 'running' || step.status === 'waiting') ??
    begun.findLast((step) => step.targets.length > 0 && step.status !== 'skipped') ??
    begun.at(-1) ??
    steps[0] ??
    null
  );
}

/** `3 of 5 done, 1 failed`. */
export function progress(step: Step): string {
  const count = (wanted: string[]) => step.targets.filter((target) => wanted.includes(target.status)).length;
  const total = step.targets.length;
  if (total < 2) return '';
  const failed = count(['failed']);
  const done = count(['succeeded', 'failed', 'skipped', 'cancelled']);
  return `${done} of ${total}${failed > 0 ? `, ${failed} failed` : ''}`;
}
