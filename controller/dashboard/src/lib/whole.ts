/** All that is kept of a stream, for comparing two of them. */
import { executions } from '../api/api';

/** Comparing more than this by eye helps nobody. */
const MOST_BYTES = 1024 * 1024;

export async function wholeOutput(execution: string, attempt: string, stream: 'stdout' | 'stderr', signal?: AbortSignal): Promise<string> {
  let [text, from] = ['', 0];
  for (;;) {
    const page = await executions.output(execution, { attempt, stream, from }, signal);
    if (page.items.length === 0) return text;
    for (const piece of page.items) {
      text += piece.text;
      from = piece.end;
    }
    if (from >= MOST_BYTES) return text;
  }
}

/** Both streams as lines, stderr marked. */
export async function bothStreams(execution: string, attempt: string, signal?: AbortSignal): Promise<string[]> {
  const [out, err] = await Promise.all([
    wholeOutput(execution, attempt, 'stdout', signal),
    wholeOutput(execution, attempt, 'stderr', signal),
  ]);
  const lines = (text: string) => (text === '' ? [] : (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n'));
  return [...lines(out), ...lines(err).map((line) => `stderr: ${line}`)];
}
