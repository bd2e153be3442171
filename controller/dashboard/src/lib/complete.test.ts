import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ITEM, keysAt, pathAt, pruned, valuesAt, type Schema } from './complete';

const schema = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../../crd-schemas/schemas/workflow.json'), 'utf8')) as Schema;
const TEXT = `apiVersion: pulse.dev/v1
kind: Workflow
metadata:
  name: x
spec:
  params:
  - {name: a}
  -
  steps:
    - id: look
      type: execute
      retry:
        
    - id: ask
      type: prompt
`.split('\n');
const at = (line: number, column: number) => pathAt(TEXT, line, column);

describe('where the cursor stands', () => {
  it('is told by indentation', () => {
    expect(at(0, 0)).toEqual([]);
    expect(at(3, 2)).toEqual(['metadata']);
    expect(at(7, 4)).toEqual(['spec', 'params', ITEM]);
    expect(at(9, 6)).toEqual(['spec', 'steps', ITEM]);
    expect(at(10, 6)).toEqual(['spec', 'steps', ITEM]);
    expect(at(12, 8)).toEqual(['spec', 'steps', ITEM, 'retry']);
  });

  it('says which fields there may be, with what they mean', () => {
    const names = (path: Parameters<typeof keysAt>[1]) => keysAt(schema, path).map((one) => one.label);
    expect(names([])).toEqual(expect.arrayContaining(['apiVersion', 'kind', 'metadata', 'spec']));
    expect(names(['spec', 'steps', ITEM])).toEqual(expect.arrayContaining(['id', 'type', 'command', 'message', 'options', 'routes']));
    expect(names(['spec', 'steps', ITEM, 'retry'])).toEqual(expect.arrayContaining(['attempts', 'backoff']));
    expect(keysAt(schema, ['spec', 'steps', ITEM]).find((one) => one.label === 'command')?.info).not.toBe('');
  });

  it('says which values there may be', () => {
    expect(valuesAt(schema, ['spec', 'steps', ITEM, 'type']).map((one) => one.label)).toEqual(expect.arrayContaining(['execute', 'prompt', 'wait', 'parse', 'route']));
    expect(valuesAt(schema, ['spec', 'concurrency', 'policy']).map((one) => one.label)).toEqual(expect.arrayContaining(['Forbid', 'Queue', 'Allow']));
  });
});

it('what a manifest says by itself anyway is left out', () => {
  const step = { id: 'a', type: 'execute', command: 'true', continueOnError: false, shell: 'sh', maxFailures: 0, timeout: '5m' };
  const ask = { id: 'b', type: 'prompt', message: 'go?', timeout: '1h', onTimeout: { answer: 'No' } };
  expect(pruned(schema, { spec: { steps: [ask] } }), 'only a command has an hour anyway').toEqual({ spec: { steps: [ask] } });
  expect(pruned(schema, { spec: { steps: [step] } })).toEqual({ spec: { steps: [{ id: 'a', type: 'execute', command: 'true', timeout: '5m' }] } });
});
