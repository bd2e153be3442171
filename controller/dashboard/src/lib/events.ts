/** An event as a sentence. */
import type { EventRecord } from '../api/types';

const said = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null));

function ended(event: EventRecord): string {
  const how = ((event['ended'] as { how?: Record<string, unknown> } | undefined)?.how ?? {}) as Record<string, unknown>;
  const what = how['code'] ?? how['signal'] ?? how['reason'];
  return `the command ${String(how['kind'] ?? 'ended').replaceAll('_', ' ')}${what === undefined ? '' : ` ${said(what)}`}`;
}

const WORDS: Record<string, (event: EventRecord) => string> = {
  created: (e) => `accepted, from ${said((e['trigger'] as { by?: unknown } | undefined)?.by)}`,
  started: () => 'begins',
  step_started: (e) => `step ${said(e['step'])} begins${Array.isArray(e['targets']) && e['targets'].length > 0 ? ` on ${e['targets'].length} target${e['targets'].length === 1 ? '' : 's'}` : ''}`,
  step_skipped: (e) => `step ${said(e['step'])} is skipped: its condition is false`,
  step_refused: (e) => `step ${said(e['step'])} cannot run: ${said(e['message'])}`,
  target_ended: (e) => `${said(e['target'])} ends without a command of its own`,
  attempt_assigned: (e) => `a command of ${said(e['step'])} is assigned to ${said(e['target'])}, try ${said(e['try'])}`,
  attempt_accepted: () => 'the agent has the command in its journal',
  attempt_started: (e) => `the command runs, process ${said(e['pid'])}`,
  attempt_ended: ended,
  attempt_lost: () => 'the controller stops waiting for word of a command',
  attempt_resolved: (e) => `${said(e['by'])} settled an unknown as ${said(e['outcome'])}: ${said(e['reason'])}`,
  evidence_recorded: () => 'late word of a command that was settled already',
  prompt_opened: (e) => `a person is asked: ${said(e['message'])}`,
  prompt_answered: (e) => `${said(e['by'])} answered “${said(e['answer'])}”${e['comment'] ? `: ${said(e['comment'])}` : ''}`,
  prompt_expired: (e) => (e['answer'] ? `nobody answered in time; “${said(e['answer'])}” is taken` : 'nobody answered in time'),
  timer_started: (e) => `waits until ${said(e['until'])}`,
  parsed: (e) => `values are read${e['into'] ? ` into ${said(e['into'])}` : ''}`,
  route_taken: (e) => `takes ${e['label'] ? `“${said(e['label'])}”` : e['route'] === undefined ? 'no route' : `route ${said(e['route'])}`}${e['goto'] ? ` to ${said(e['goto'])}` : ''}`,
  timed_out: () => 'the workflow’s time is over: nothing new starts',
  step_ended: (e) => `step ${said(e['step'])} ${said(e['status'])}${e['message'] ? `: ${said(e['message'])}` : ''}`,
  cancel_requested: (e) => `${said(e['by'])} cancels (${said(e['mode'])})${e['reason'] ? `: ${said(e['reason'])}` : ''}`,
  waiting: (e) => `waits: ${said(e['reason'])}`,
  resumed: () => 'goes on',
  ended: (e) => `${said(e['status'])}${e['message'] ? `: ${said(e['message'])}` : ''}`,
};

export function describe(event: EventRecord): string {
  return WORDS[event.type]?.(event) ?? event.type.replaceAll('_', ' ');
}

/** What the sentence does not say. */
export function details(event: EventRecord): string {
  const rest = Object.fromEntries(Object.entries(event).filter(([name]) => !['seq', 'at', 'type'].includes(name)));
  return JSON.stringify(rest, null, 2);
}
