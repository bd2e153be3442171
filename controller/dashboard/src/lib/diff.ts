/** The difference of two texts, line by line (Myers), bounded so that no output can hold the page up. */

export interface DiffLine {
  kind: 'same' | 'added' | 'removed';
  text: string;
}

const MAX_LINES = 4000;
const MAX_EDITS = 800;

/** `null` where they are too large or too unlike to be compared. */
export function diff(before: string[], after: string[]): DiffLine[] | null {
  const start = commonPrefix(before, after);
  const end = commonSuffix(before.slice(start), after.slice(start));
  const [a, b] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
  if (a.length > MAX_LINES || b.length > MAX_LINES) return null;
  const middle = myers(a, b);
  if (middle === null) return null;
  const same = (lines: string[]) => lines.map((text): DiffLine => ({ kind: 'same', text }));
  return [...same(before.slice(0, start)), ...middle, ...same(before.slice(before.length - end))];
}

function commonPrefix(a: string[], b: string[]): number {
  let count = 0;
  while (count < a.length && count < b.length && a[count] === b[count]) count += 1;
  return count;
}

function commonSuffix(a: string[], b: string[]): number {
  let count = 0;
  while (count < a.length && count < b.length && a[a.length - 1 - count] === b[b.length - 1 - count]) count += 1;
  return count;
}

function myers(a: string[], b: string[]): DiffLine[] | null {
  const most = Math.min(a.length + b.length, MAX_EDITS);
  let furthest = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  for (let edits = 0; edits <= most; edits += 1) {
    trace.push(new Map(furthest));
    const next = new Map(furthest);
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && (next.get(k - 1) ?? -1) < (next.get(k + 1) ?? -1));
      let x = down ? (next.get(k + 1) ?? 0) : (next.get(k - 1) ?? 0) + 1;
      let y = x - k;
      while (x < a.length && y < b.length && a[x] === b[y]) [x, y] = [x + 1, y + 1];
      next.set(k, x);
      if (x >= a.length && y >= b.length) return walkBack(a, b, trace, edits);
    }
    furthest = next;
  }
  return null;
}

function walkBack(a: string[], b: string[], trace: Map<number, number>[], edits: number): DiffLine[] {
  const lines: DiffLine[] = [];
  let [x, y] = [a.length, b.length];
  for (let step = edits; step > 0; step -= 1) {
    const furthest = trace[step] ?? new Map<number, number>();
    const k = x - y;
    const down = k === -step || (k !== step && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));
    const before = down ? k + 1 : k - 1;
    const [fromX, fromY] = [furthest.get(before) ?? 0, (furthest.get(before) ?? 0) - before];
    while (x > fromX && y > fromY && x > 0 && y > 0 && a[x - 1] === b[y - 1]) {
      lines.push({ kind: 'same', text: a[x - 1] ?? '' });
      [x, y] = [x - 1, y - 1];
    }
    if (down) lines.push({ kind: 'added', text: b[y - 1] ?? '' });
    else lines.push({ kind: 'removed', text: a[x - 1] ?? '' });
    [x, y] = [fromX, fromY];
  }
  while (x > 0 && y > 0) {
    lines.push({ kind: 'same', text: a[x - 1] ?? '' });
    [x, y] = [x - 1, y - 1];
  }
  return lines.reverse();
}

/** Long runs of what is the same, folded, so that the difference is what one sees. */
export function folded(lines: DiffLine[], context = 3): (DiffLine | { kind: 'fold'; count: number })[] {
  const near = new Set<number>();
  lines.forEach((line, at) => {
    if (line.kind !== 'same') for (let i = at - context; i <= at + context; i += 1) near.add(i);
  });
  const shown: (DiffLine | { kind: 'fold'; count: number })[] = [];
  for (const [at, line] of lines.entries()) {
    const last = shown.at(-1);
    if (near.has(at)) shown.push(line);
    else if (last?.kind === 'fold') last.count += 1;
    else shown.push({ kind: 'fold', count: 1 });
  }
  return shown;
}
