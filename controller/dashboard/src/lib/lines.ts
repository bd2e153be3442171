/** Finding things in output. */

const ERROR = /\b(?:errors?|errno|fail(?:ed|ure|s)?|fatal|panic(?:ked)?|exception|traceback|denied|cannot|can't|unable to|no such file|not found|refused|timed out|segfault|killed)\b/i;
const NO_ERROR = /\b(?:0|no|without) (?:errors?|failures?|failed)\b/i;

/** The first line that looks like an error; -1 where none does. */
export function firstError(lines: string[]): number {
  return lines.findIndex((line) => ERROR.test(line) && !NO_ERROR.test(line));
}

/** The places of lines that contain the text, whatever the case. */
export function findAll(lines: string[], query: string): number[] {
  const wanted = query.toLowerCase();
  if (wanted === '') return [];
  const found: number[] = [];
  lines.forEach((line, at) => line.toLowerCase().includes(wanted) && found.push(at));
  return found;
}

/** Which rows of equal height a window shows, with some beyond its edges. */
export function windowOf(count: number, rowHeight: number, scrollTop: number, height: number, beyond = 20): { from: number; to: number } {
  const first = Math.floor(Math.max(0, scrollTop) / rowHeight);
  const from = Math.max(0, Math.min(count, first - beyond));
  return { from, to: Math.min(count, first + Math.ceil(height / rowHeight) + beyond) };
}
