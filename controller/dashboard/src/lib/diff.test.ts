import { describe, expect, it } from 'vitest';
import { diff, folded } from './diff';

const play = (before: string[], after: string[]) => diff(before, after)?.map((line) => ({ same: ' ', added: '+', removed: '-' })[line.kind] + line.text);

describe('a difference', () => {
  it('names what is added, removed and the same', () => {
    expect(play(['a', 'b', 'c'], ['a', 'x', 'c', 'd'])).toEqual([' a', '-b', '+x', ' c', '+d']);
    expect(play([], ['a'])).toEqual(['+a']);
    expect(play(['a'], [])).toEqual(['-a']);
    expect(play(['a', 'b'], ['a', 'b'])).toEqual([' a', ' b']);
  });

  it('leads from the one to the other, whatever they are', () => {
    let seed = 7;
    const die = (sides: number) => ((seed = (seed * 48271) % 2147483647) % sides);
    for (let round = 0; round < 300; round += 1) {
      const some = () => Array.from({ length: die(12) }, () => 'abc'[die(3)] ?? '');
      const [before, after] = [some(), some()];
      const lines = diff(before, after) ?? [];
      expect(lines.filter((line) => line.kind !== 'added').map((line) => line.text)).toEqual(before);
      expect(lines.filter((line) => line.kind !== 'removed').map((line) => line.text)).toEqual(after);
    }
  });

  it('gives up on what is too unlike, soon', () => {
    const lines = (name: string) => Array.from({ length: 3000 }, (_, i) => `${name}${i}`);
    const before = performance.now();
    expect(diff(lines('a'), lines('b'))).toBeNull();
    expect(performance.now() - before).toBeLessThan(3000);
  });

  it('folds what is the same far from any difference', () => {
    const before = Array.from({ length: 20 }, (_, i) => `line ${i}`);
    const shown = folded(diff(before, [...before.slice(0, 10), 'new', ...before.slice(10)]) ?? []);
    expect(shown.filter((line) => line.kind === 'fold')).toEqual([{ kind: 'fold', count: 7 }, { kind: 'fold', count: 7 }]);
  });
});
