import { describe, expect, it } from 'vitest';
import type { Param } from '../api/types';
import { check, initial, toBody } from './params';

const param = (more: Partial<Param>): Param => ({ name: 'x', type: 'string', required: false, ...more }) as Param;

describe('a parameter', () => {
  it.each([
    [{ type: 'int', min: 1, max: 9 }, '5', null],
    [{ type: 'int', min: 1, max: 9 }, '10', 'at most 9'],
    [{ type: 'int' }, '014', 'a whole number, such as 5'],
    [{ type: 'int' }, '1.5', 'a whole number, such as 5'],
    [{ type: 'number', min: 0 }, '-0.5', 'at least 0'],
    [{ type: 'bool' }, 'yes', 'true or false'],
    [{ type: 'duration' }, '90', 'a number and a unit, such as 90s or 10m'],
    [{ type: 'duration' }, '90s', null],
    [{ type: 'enum', values: ['a', 'b'] }, 'c', 'one of a, b'],
    [{ type: 'string', pattern: 'OPS-\\d+' }, 'OPS-12', null],
    [{ type: 'string', pattern: 'OPS-\\d+' }, 'xOPS-12', 'it must match OPS-\\d+'],
    [{ type: 'string', pattern: '(' }, 'anything', null],
    [{ type: 'string', maxLength: 2 }, '🦀🦀', null],
    [{ type: 'string', required: true }, '', 'it is required'],
    [{ type: 'list', maxLength: 1 }, 'a\nb', 'at most 1 items'],
    [{ type: 'list', pattern: '[a-z]+' }, 'a\nB', '“B”: it must match [a-z]+'],
  ] as [Partial<Param>, string, string | null][])('%o of %s', (more, text, wrong) => {
    expect(check(param(more), text)).toBe(wrong);
  });

  it('is sent in its own type, and not at all where nothing was given', () => {
    const params = [param({ name: 'a' }), param({ name: 'b', type: 'list' }), param({ name: 'c', type: 'bool' }), param({ name: 'd', type: 'int' }), param({ name: 'e', default: 'was' })];
    expect(toBody(params, { a: '', b: 'x\n y ', c: 'true', d: '5', e: '' })).toEqual({ b: ['x', 'y'], c: true, d: '5', e: '' });
  });

  it('begins with its default', () => {
    expect(initial(param({ default: ['a', 'b'], type: 'list' }))).toBe('a\nb');
    expect(initial(param({ default: 3 }))).toBe('3');
    expect(initial(param({}))).toBe('');
  });
});
