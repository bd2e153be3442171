/** What became of an answer, in words: above all who was quicker. */
import type { Refusal } from '../api/refusal';
import type { Prompt } from '../api/types';

export interface Result {
  tone: 'ok' | 'warn' | 'bad' | 'info';
  text: string;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '?');

/** Of a refusal that says how it stands; `null` where it is a mistake of ours. */
export function lostTo(refusal: Refusal): Result | null {
  const { fields } = refusal;
  switch (refusal.code) {
    case 'already_answered':
      return { tone: 'warn', text: `${text(fields['answeredBy'])} was quicker and answered “${text(fields['answer'])}”. Your answer changed nothing.` };
    case 'prompt_expired':
      return {
        tone: 'warn',
        text: fields['answer'] ? `The time was over; “${text(fields['answer'])}” was taken, as the workflow says.` : 'The time was over; the step has failed.',
      };
    case 'prompt_withdrawn':
      return { tone: 'warn', text: 'It was withdrawn: the execution is over. Your answer changed nothing.' };
    default:
      return null;
  }
}

/** Of one that is closed; `null` while it is open. */
export function outcomeOf(prompt: Prompt, me: string): Result | null {
  const by = prompt.answeredBy === me ? 'You' : (prompt.answeredBy ?? 'Somebody');
  switch (prompt.status) {
    case 'answered':
      return { tone: prompt.answeredBy === me ? 'ok' : 'info', text: `${by} answered “${prompt.answer ?? '?'}”.` };
    case 'expired':
      return { tone: 'warn', text: prompt.answer ? `Nobody answered in time; “${prompt.answer}” was taken.` : 'Nobody answered in time; the step has failed.' };
    case 'withdrawn':
      return { tone: 'info', text: 'It was withdrawn: the execution was cancelled or is over.' };
    default:
      return null;
  }
}
