/** Every state has a word, an icon and a tone: nobody has to tell it by colour. */

export type Tone = 'ok' | 'bad' | 'warn' | 'info' | 'unknown' | 'quiet';
export interface Look {
  word: string;
  icon: string;
  tone: Tone;
}

const look = (word: string, icon: string, tone: Tone): Look => ({ word, icon, tone });

const LOOKS: Record<string, Look> = {
  pending: look('pending', 'dots', 'quiet'),
  running: look('running', 'play', 'info'),
  waiting: look('waiting', 'hand', 'warn'),
  succeeded: look('succeeded', 'check', 'ok'),
  failed: look('failed', 'cross', 'bad'),
  cancelled: look('cancelled', 'stop', 'quiet'),
  skipped: look('skipped', 'skip', 'quiet'),
  unknown: look('unknown', 'question', 'unknown'),
  unreadable: look('unreadable', 'question', 'bad'),
  // Attempts and targets
  assigned: look('assigned', 'dots', 'info'),
  accepted: look('accepted', 'dots', 'info'),
  started: look('running', 'play', 'info'),
  exited: look('exited', 'check', 'quiet'),
  signalled: look('ended by a signal', 'cross', 'bad'),
  timed_out: look('timed out', 'clock', 'bad'),
  not_started: look('not started', 'skip', 'warn'),
  resolved_succeeded: look('settled as succeeded', 'check', 'ok'),
  resolved_failed: look('settled as failed', 'cross', 'bad'),
  backoff: look('waits for its next try', 'clock', 'warn'),
  rebooting: look('rebooting', 'clock', 'info'),
  // Agents
  online: look('online', 'check', 'ok'),
  stale: look('stale', 'clock', 'warn'),
  offline: look('offline', 'cross', 'bad'),
  quarantined: look('quarantined', 'alert', 'bad'),
  cordoned: look('cordoned', 'pause', 'warn'),
  draining: look('draining', 'pause', 'warn'),
  revoked: look('revoked', 'stop', 'quiet'),
  not_enrolled: look('not enrolled', 'dots', 'quiet'),
  // Syncs
  applied: look('applied', 'check', 'ok'),
  unchanged: look('unchanged', 'check', 'quiet'),
  refused: look('refused', 'cross', 'bad'),
  held: look('held', 'hand', 'warn'),
  unreachable: look('unreachable', 'alert', 'bad'),
  // Slots
  fired: look('fired', 'check', 'ok'),
  missed: look('missed', 'alert', 'bad'),
  suspended: look('suspended', 'pause', 'warn'),
  // Prompts
  open: look('open', 'hand', 'warn'),
  answered: look('answered', 'check', 'ok'),
  expired: look('expired', 'clock', 'bad'),
  withdrawn: look('withdrawn', 'stop', 'quiet'),
  valid: look('valid', 'check', 'ok'),
  // What the audit log says came of a request
  begun: look('begun', 'dots', 'info'),
  done: look('done', 'check', 'ok'),
  // Pauses
  active: look('holds', 'pause', 'warn'),
  ended: look('ended', 'stop', 'quiet'),
};

export function lookOf(state: string): Look {
  return LOOKS[state] ?? look(state.replaceAll('_', ' '), 'dots', 'quiet');
}

const WAITS: Record<string, string> = {
  person: 'for an answer',
  timer: 'for a time',
  queue: 'in the queue',
  pause: 'paused',
  unknown: 'an attempt is unknown',
};

/** What a waiting execution waits for, in words. */
export function waitsFor(waits: { for: string } | null): string | null {
  return waits === null ? null : (WAITS[waits.for] ?? waits.for);
}

export const isOver = (status: string): boolean => ['succeeded', 'failed', 'cancelled'].includes(status);
