/** Two executions, step by step and target by target. */
import type { Attempt, Execution, Step } from '../api/types';
import { lastAttempt } from './groups';
import { keyOf } from './steps';

export interface ComparedTarget {
  agent: string;
  a: Attempt | null;
  b: Attempt | null;
  differs: boolean;
}

export interface ComparedStep {
  key: string;
  a: Step | null;
  b: Step | null;
  tookA: number | null;
  tookB: number | null;
  targets: ComparedTarget[];
}

export interface ComparedParam {
  name: string;
  a: string;
  b: string;
  differs: boolean;
}

export function compare(a: Execution, b: Execution): { params: ComparedParam[]; steps: ComparedStep[] } {
  const keys = [...new Set([...a.steps, ...b.steps].map(keyOf))];
  return { params: params(a, b), steps: keys.map((key) => step(key, a, b)) };
}

const text = (value: unknown): string => (value === undefined ? '–' : typeof value === 'string' ? value : JSON.stringify(value));

function params(a: Execution, b: Execution): ComparedParam[] {
  const names = [...new Set([...Object.keys(a.params), ...Object.keys(b.params)])].sort();
  return names.map((name) => {
    const [x, y] = [text(a.params[name]), text(b.params[name])];
    return { name, a: x, b: y, differs: x !== y };
  });
}

function step(key: string, left: Execution, right: Execution): ComparedStep {
  const [a, b] = [left, right].map((one) => one.steps.find((step) => keyOf(step) === key) ?? null) as [Step | null, Step | null];
  return { key, a, b, tookA: took(a), tookB: took(b), targets: targets(a, b) };
}

function took(step: Step | null): number | null {
  return step?.startedAt && step.endedAt ? Date.parse(step.endedAt) - Date.parse(step.startedAt) : null;
}

/** One that was taken over ran nothing of its own, so that only its state counts. */
function targets(a: Step | null, b: Step | null): ComparedTarget[] {
  const agents = [...new Set([...(a?.targets ?? []), ...(b?.targets ?? [])].map((target) => target.agent))].sort();
  return agents.map((agent) => {
    const of = (step: Step | null) => step?.targets.find((target) => target.agent === agent) ?? null;
    const [x, y] = [of(a), of(b)];
    const [first, second] = [x && lastAttempt(x), y && lastAttempt(y)];
    return { agent, a: first, b: second, differs: x?.status !== y?.status || (first !== null && second !== null && digest(first) !== digest(second)) };
  });
}

const digest = (attempt: Attempt | null): string => `${attempt?.exitCode} ${attempt?.signal} ${attempt?.stdout?.sha256} ${attempt?.stderr?.sha256}`;
