/** The run form's checks: the same rules as the controller's, so that most mistakes are told before they are sent. It has the last word. */
import type { Param } from '../api/types';

const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/;
const WHOLE = /^-?(?:0|[1-9]\d*)$/;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** What the field shows first. */
export function initial(param: Param): string {
  const value = param.default;
  if (value === undefined || value === null) return '';
  return Array.isArray(value) ? value.join('\n') : String(value);
}

/** What is wrong with a text; `null` where nothing is. Nothing given is fine where there is a default. */
export function check(param: Param, text: string): string | null {
  if (text === '') return param.required ? 'it is required' : null;
  switch (param.type) {
    case 'int':
      return WHOLE.test(text) ? bounds(param, Number(text), '') : 'a whole number, such as 5';
    case 'number':
      return NUMBER.test(text) ? bounds(param, Number(text), '') : 'a number, such as 0.5';
    case 'bool':
      return ['true', 'false'].includes(text) ? null : 'true or false';
    case 'enum':
      return (param.values ?? []).includes(text) ? null : `one of ${(param.values ?? []).join(', ')}`;
    case 'duration':
      return DURATION.test(text) ? null : 'a number and a unit, such as 90s or 10m';
    case 'list':
      return checkList(param, items(text));
    case 'agent':
      return null;
    default:
      return length(param, [...text].length, 'characters') ?? pattern(param, text);
  }
}

/** A list is written one item a line. */
export const items = (text: string): string[] => text.split('\n').map((item) => item.trim()).filter((item) => item !== '');

function checkList(param: Param, list: string[]): string | null {
  const count = length(param, list.length, 'items');
  if (count) return count;
  for (const item of list) {
    if (param.values && !param.values.includes(item)) return `“${item}” is none of ${param.values.join(', ')}`;
    const wrong = pattern(param, item);
    if (wrong) return `“${item}”: ${wrong}`;
  }
  return null;
}

function bounds({ min, max }: Param, value: number, unit: string): string | null {
  if (typeof min === 'number' && value < min) return `at least ${min}${unit}`;
  if (typeof max === 'number' && value > max) return `at most ${max}${unit}`;
  return null;
}

function length({ minLength, maxLength }: Param, count: number, what: string): string | null {
  if (typeof minLength === 'number' && count < minLength) return `at least ${minLength} ${what}`;
  if (typeof maxLength === 'number' && count > maxLength) return `at most ${maxLength} ${what}`;
  return null;
}

function pattern(param: Param, text: string): string | null {
  if (!param.pattern) return null;
  try {
    return new RegExp(`^(?:${param.pattern})$`, 'u').test(text) ? null : `it must match ${param.pattern}`;
  } catch {
    // The controller's patterns and the browser's are not quite the same language: then only the controller checks.
    return null;
  }
}

/** What is sent: only what is given, in the parameter's own type where it has one. */
export function toBody(params: Param[], texts: Record<string, string>): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const param of params) {
    const text = texts[param.name] ?? '';
    if (text === '' && !(param.type === 'string' && typeof param.default === 'string' && param.default !== '')) continue;
    body[param.name] = param.type === 'list' ? items(text) : param.type === 'bool' ? text === 'true' : text;
  }
  return body;
}
