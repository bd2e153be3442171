import { expect, it } from 'vitest';
import type { Step } from '../api/types';
import { END, graphOf, withRun } from './graph';

const ways = (graph: { edges: { from: string; to: string; label: string; taken: number }[] }) => graph.edges.map((edge) => `${edge.from}>${edge.to}${edge.label ? ` ${edge.label}` : ''}${edge.taken ? ` x${edge.taken}` : ''}`);
const ran = (id: string, status: Step['status'] = 'succeeded', visit = 1): Step => ({ id, type: 'execute', visit, status, startedAt: '2026-01-01T00:00:00Z', targets: [] });

const STEPS = [
  { id: 'look', type: 'execute' },
  { id: 'ask', type: 'prompt', options: ['Yes', { value: 'No', goto: 'end' }, { value: 'Again', goto: 'look' }] },
  { id: 'choose', type: 'route', routes: [{ if: 'a', goto: 'act', label: 'full' }, { default: true, goto: 'end' }] },
  { id: 'act', type: 'execute' },
];

it('has every way that the definition names', () => {
  expect(ways(graphOf(STEPS))).toEqual(['look>ask', `ask>${END} No`, 'ask>look Again', 'ask>choose Yes', 'choose>act full', `choose>${END} default`, `act>${END}`]);
});

it('marks what was gone, loops and all', () => {
  const graph = withRun(graphOf(STEPS), [ran('look'), ran('ask'), ran('look', 'succeeded', 2), ran('ask', 'succeeded', 2), ran('choose'), ran('act', 'failed')], true);
  expect(ways(graph).filter((way) => way.includes(' x'))).toEqual(['look>ask x2', 'ask>look Again x1', 'ask>choose Yes x1', 'choose>act full x1', `act>${END} x1`]);
  expect(graph.nodes.map((node) => [node.id, node.status, node.visits]).slice(0, 4)).toEqual([['look', 'succeeded', 2], ['ask', 'succeeded', 2], ['choose', 'succeeded', 1], ['act', 'failed', 1]]);
});

it('draws what ran where the definition has it no more', () => {
  const graph = withRun(graphOf([]), [ran('old'), ran('gone')], false);
  expect(graph.nodes.map((node) => node.id)).toEqual([END, 'old', 'gone']);
  expect(ways(graph)).toEqual(['old>gone x1']);
});
