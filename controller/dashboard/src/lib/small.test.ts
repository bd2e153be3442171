/** The smaller functions: filters, times, ranking, windows, commits, results of answers, histories. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../api/refusal';
import type { Agent, Prompt, Source, Summary } from '../api/types';
import { routeOf } from '../routes';
import { lostTo, outcomeOf } from './answer';
import { backoff } from './backoff';
import { commitUrl, fileUrl } from './commit';
import { concerns, filtersOf, instant, toQuery } from './filters';
import { byTrouble, enrolCommand, factOf, find } from './fleet';
import { merged } from './history.svelte';
import { findAll, firstError, windowOf } from './lines';
import { rank } from './palette';
import { bytes, countdown, duration, relative } from './time';
import { toYaml } from './yaml';

describe('times', () => {
  it('are short and true', () => {
    expect([0, 80, 1500, 61_000, 3_725_000, 90_000_000].map(duration)).toEqual(['0 s', '80 ms', '1.5 s', '1 min 1 s', '1 h 2 min', '1 d 1 h']);
    expect([-5, 59_001, 3_600_000, 90_000_000].map(countdown)).toEqual(['00:00', '01:00', '1:00:00', '1 d 1 h']);
    expect([relative(0, 500), relative(0, 65_000), relative(65_000, 0)]).toEqual(['now', '1 min ago', 'in 1 min']);
    expect([512, 2048, 25 * 1024 ** 3].map(bytes)).toEqual(['512 B', '2.0 KiB', '25 GiB']);
  });
});

describe('facts', () => {
  it('that are sizes are shown as sizes', () => {
    expect(factOf('memory_bytes', '2147483648')).toEqual({ name: 'memory', value: '2.0 GiB' });
    expect([factOf('memory_bytes', 'much'), factOf('cpus', '2')]).toEqual([{ name: 'memory_bytes', value: 'much' }, { name: 'cpus', value: '2' }]);
  });
});

describe('filters', () => {
  it('are the address', () => {
    const filters = filtersOf(new URLSearchParams('workflow=a&status=&label=team=infra&label=env=prod&since=2h&other=1'));
    expect(filters).toEqual({ workflow: 'a', label: 'team=infra,env=prod', since: '2h' });
    expect(toQuery(filters, Date.UTC(2026, 0, 1, 12))).toMatchObject({ since: '2026-01-01T10:00:00.000Z' });
    expect(instant('nonsense', 0)).toBeNull();
    expect(concerns(filters, { type: 'execution', workflow: 'b' })).toBe(false);
    expect(concerns({}, { type: 'execution', workflow: 'b' })).toBe(true);
  });

  it('a fresh first page over an older list loses nothing and repeats nothing', () => {
    const row = (id: string) => ({ id }) as Summary;
    const ids = (rows: Summary[]) => rows.map((one) => one.id);
    expect(ids(merged(['9', '8', '7'].map(row), ['8', '7', '6', '5'].map(row)))).toEqual(['9', '8', '7', '6', '5']);
    expect(merged([], ['1'].map(row))).toEqual([]);
  });
});

describe('output', () => {
  it('is searched, and its first error found', () => {
    const lines = ['0 errors so far', 'all fine', 'E: Permission denied', 'error'];
    expect(firstError(lines)).toBe(2);
    expect(firstError(['fine'])).toBe(-1);
    expect(findAll(lines, 'ERR')).toEqual([0, 3]);
  });

  it('of a long list only the window is in the page', () => {
    expect(windowOf(100_000, 20, 40_000, 400, 10)).toEqual({ from: 1990, to: 2030 });
    expect(windowOf(5, 20, 0, 400)).toEqual({ from: 0, to: 5 });
    expect(windowOf(5, 20, 99_999, 400)).toEqual({ from: 5, to: 5 });
  });
});

describe('the palette', () => {
  it('puts beginnings first, and needs every word', () => {
    const entries = ['disk-check', 'Run disk-check', 'nightly-disk', 'hello'].map((name) => ({ name, kind: 'workflow', icon: 'flow' }));
    expect(rank(entries, 'disk').map((one) => one.name)).toEqual(['disk-check', 'Run disk-check', 'nightly-disk']);
    expect(rank(entries, 'run disk').map((one) => one.name)).toEqual(['Run disk-check']);
    expect(rank(entries, '')).toHaveLength(4);
  });
});

describe('commits', () => {
  const source = (url: string) => ({ name: 's', kind: 'git', url }) as Source;
  it('lead to the forge, whichever way it is cloned, and never elsewhere than the web', () => {
    expect(commitUrl(source('https://git.example.org/team/ops.git'), 'abc')).toBe('https://git.example.org/team/ops/commit/abc');
    expect(fileUrl(source('ssh://git@git.example.org:2222/team/ops.git'), 'abc', 'a b/c.yaml', 7)).toBe('https://git.example.org/team/ops/src/commit/abc/a%20b/c.yaml#L7');
    expect(commitUrl(source('git@git.example.org:team/ops.git'), 'abc')).toBe('https://git.example.org/team/ops/commit/abc');
    expect(commitUrl(source('javascript:alert(1)'), 'abc')).toBeNull();
    expect(commitUrl({ ...source('https://x/y'), kind: 'folder' }, 'abc')).toBeNull();
  });
});

describe('answers', () => {
  it('say who was quicker', () => {
    const lost = new Refusal(409, 'already_answered', 'd', null, [], { answer: 'No', answeredBy: 'bob' });
    expect(lostTo(lost)?.text).toBe('bob was quicker and answered “No”. Your answer changed nothing.');
    expect(lostTo(new Refusal(422, 'no_such_option', 'd'))).toBeNull();
    const prompt = { status: 'answered', answer: 'Yes', answeredBy: 'ada' } as Prompt;
    expect([outcomeOf(prompt, 'ada')?.text, outcomeOf(prompt, 'bob')?.text]).toEqual(['You answered “Yes”.', 'ada answered “Yes”.']);
    expect(outcomeOf({ ...prompt, status: 'open' }, 'ada')).toBeNull();
  });
});

describe('the fleet', () => {
  const agent = (name: string, state: string, labels = {}) => ({ metadata: { name }, status: { state, labels } }) as Agent;
  it('has what is not well first, and is found by name, state and label', () => {
    const all = [agent('web-10', 'online'), agent('web-2', 'online', { role: 'web' }), agent('db', 'offline'), agent('x', 'something_new')];
    expect(byTrouble(all).map((one) => one.metadata.name)).toEqual(['x', 'db', 'web-2', 'web-10']);
    expect(find(all, 'role=web').map((one) => one.metadata.name)).toEqual(['web-2']);
    expect(find(all, 'web online')).toHaveLength(2);
  });
  it('is enrolled by a line that no shell takes for something else', () => {
    expect(enrolCommand('https://p:1', "a'b; rm")).toBe("PULSE_SERVER=https://p:1 PULSE_AGENT_TOKEN='a'\\''b; rm' pulse-agent");
  });
});

describe('the connection', () => {
  it('is tried again soon, then seldom, and never by all at once', () => {
    expect([backoff(0, 0), backoff(0, 1), backoff(3, 1), backoff(99, 1)]).toEqual([250, 500, 4000, 8000]);
  });
});

describe('refusals', () => {
  it('are read from whatever came', () => {
    expect(Refusal.from(502, null)).toMatchObject({ status: 502, code: 'unreadable', passes: true });
    expect(Refusal.from(422, { code: 'bad_params', detail: 'd', errors: [{ name: 'x', message: 'm' }] })).toMatchObject({ code: 'bad_params', message: 'd', passes: false });
  });
});

describe('YAML', () => {
  it('is quoted where it could be read as something else', () => {
    const text = toYaml({ a: 'yes', b: '12', c: 'plain words', d: '{{ x }}', e: ['- x', ''], f: { g: [] }, h: 'one\ntwo\n', i: '# no comment', j: 'a: b', k: null, l: true });
    expect(text).toBe('a: "yes"\nb: "12"\nc: plain words\nd: "{{ x }}"\ne:\n  - "- x"\n  - ""\nf:\n  g: []\nh: |\n  one\n  two\ni: "# no comment"\nj: "a: b"\nl: true\n');
  });
});

it('every address that the controller answers with the page is one that the page knows, and the other way round', () => {
  const rust = readFileSync(resolve(import.meta.dirname, '../../../src/dashboard.rs'), 'utf8');
  const listed = /const PAGES[^=]*= &\[([^\]]*)\]/.exec(rust)?.[1] ?? '';
  const served = [...listed.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? '');
  expect(served.length).toBeGreaterThan(10);
  expect(served.filter((path) => routeOf(path.replace(/\{\w+\}/, 'x')) === null)).toEqual([]);
  const known = readFileSync(resolve(import.meta.dirname, '../routes.ts'), 'utf8').match(/path: \//g)?.length;
  expect(known).toBe(served.length);
});
