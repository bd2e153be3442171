import { expect, it } from 'vitest';
import type { Target } from '../api/types';
import { grouped, largest, names, sentence } from './groups';

const target = (agent: string, sha256: string, exitCode = 0): Target => ({
  agent,
  status: exitCode === 0 ? 'succeeded' : 'failed',
  attempts: [{ id: `${agent}-1`, try: 1, slot: 0, state: 'exited', assignedAt: '', startedAt: '', endedAt: '', exitCode, stdout: { bytes: 1, sha256 }, stderr: { bytes: 0, sha256: 'none' } }],
});
const running = (agent: string): Target => ({ agent, status: 'running', attempts: [{ id: `${agent}-1`, try: 1, slot: 0, state: 'started', assignedAt: '', startedAt: '', endedAt: null }] });

it('those that wrote the same and ended alike are together, what failed first', () => {
  const groups = grouped([target('a', 'x'), target('b', 'x'), target('c', 'y'), target('d', 'x'), target('e', 'x', 3)]);
  expect(groups.map((group) => group.targets.map((one) => one.agent))).toEqual([['e'], ['a', 'b', 'd'], ['c']]);
  expect(sentence(groups)).toBe('3 same, 2 differ');
  expect(largest(groups)?.targets).toHaveLength(3);
});

it('what still runs is alike with nothing, because it may still differ', () => {
  const groups = grouped([running('a'), running('b')]);
  expect(groups).toHaveLength(2);
  expect(groups.every((group) => group.open)).toBe(true);
});

it('says it in words', () => {
  expect(sentence(grouped([target('a', 'x'), target('b', 'x')]))).toBe('all 2 targets alike');
  expect(sentence(grouped([target('a', 'x'), target('b', 'y')]))).toBe('2 targets, all different');
  expect(sentence(grouped([target('a', 'x')]))).toBe('1 target');
  expect(sentence([])).toBe('no target yet');
  expect(names(['a', 'b', 'c'], 2)).toBe('a, b and 1 more');
});
