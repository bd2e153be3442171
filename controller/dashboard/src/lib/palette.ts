/** What the palette finds, and in which order. */

export interface Entry {
  name: string;
  kind: string;
  icon: string;
  href?: string;
  run?: () => void;
}

/** Every word of the query must be found; names that begin with it come first, then those where a part does. */
export function rank(entries: Entry[], query: string): Entry[] {
  const words = query.trim().toLowerCase().split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return entries;
  const scored = entries.map((entry) => ({ entry, score: score(entry, words) })).filter((one) => one.score > 0);
  return scored.sort((a, b) => b.score - a.score).map((one) => one.entry);
}

function score(entry: Entry, words: string[]): number {
  const name = entry.name.toLowerCase();
  let total = 0;
  for (const word of words) {
    const at = name.indexOf(word);
    if (at === 0) total += name.length === word.length ? 12 : 8;
    else if (at > 0) total += /[\s\-_#.]/.test(name[at - 1] ?? '') ? 5 : 2;
    else if (entry.kind.includes(word)) total += 1;
    else if (subsequence(name, word)) total += 0.5;
    else return 0;
  }
  return total;
}

function subsequence(name: string, word: string): boolean {
  let at = 0;
  for (const char of name) if (char === word[at]) at += 1;
  return at === word.length;
}
