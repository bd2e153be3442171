/** A manifest as YAML, written so that it reads back as the same. */
import { manifests } from '../api/api';
import type { Metadata, Workflow, Schedule } from '../api/types';
import { pruned } from './complete';

/** As short as it can be said; in full where the schema cannot be had. */
export async function manifestYaml(one: Workflow | Schedule): Promise<string> {
  const whole = pick(one);
  const schema = await manifests.schema(one.kind.toLowerCase()).catch(() => null);
  return toYaml(schema ? pruned(schema, whole) : whole);
}

/** Only what a commit would hold. */
export function pick(one: Workflow | Schedule): Record<string, unknown> {
  const { labels, annotations, name } = one.metadata as Metadata;
  const some = (map: Record<string, string> | undefined) => (map && Object.keys(map).length > 0 ? map : undefined);
  return { apiVersion: 'pulse.dev/v1', kind: one.kind, metadata: { name, labels: some(labels), annotations: some(annotations) }, spec: one.spec };
}

const PLAIN = /^[A-Za-z_./][\w ./()+-]*$/;
const SPECIAL = /^(?:true|false|null|yes|no|on|off|y|n|~|\.(?:nan|inf))$/i;

export function toYaml(value: unknown): string {
  return `${block(value, 0)}\n`;
}

const isEmpty = (value: unknown): boolean => value === undefined || value === null;

function block(value: unknown, depth: number): string {
  const pad = '  '.repeat(depth);
  if (Array.isArray(value)) {
    return value.map((item) => `${pad}- ${isTree(item) ? block(item, depth + 1).trimStart() : scalar(item, depth + 1)}`).join('\n');
  }
  const entries = Object.entries(value as Record<string, unknown>).filter(([, one]) => !isEmpty(one));
  return entries.map(([name, one]) => `${pad}${scalar(name, depth)}:${isTree(one) ? `\n${block(one, Array.isArray(one) ? depth + 1 : depth + 1)}` : ` ${scalar(one, depth + 1)}`}`).join('\n');
}

function isTree(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) ? value.length > 0 : Object.values(value).some((one) => !isEmpty(one));
}

function scalar(value: unknown, depth: number): string {
  if (Array.isArray(value)) return '[]';
  if (typeof value === 'object') return '{}';
  if (typeof value !== 'string') return String(value);
  if (value.includes('\n') && canBeBlock(value)) return literal(value, depth);
  if (PLAIN.test(value) && !SPECIAL.test(value) && !value.endsWith(' ')) return value;
  // JSON's strings are YAML's double-quoted ones.
  return JSON.stringify(value);
}

// eslint-disable-next-line no-control-regex
const canBeBlock = (text: string): boolean => !/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]|[ \t]\n|^\s/.test(text) && !/[ \t]$/.test(text);

function literal(text: string, depth: number): string {
  const pad = '  '.repeat(depth);
  const chomp = text.endsWith('\n\n') ? '+' : text.endsWith('\n') ? '' : '-';
  const body = text.replace(/\n$/, '').split('\n').map((line) => (line === '' ? '' : `${pad}${line}`));
  return `|${chomp}\n${body.join('\n')}`;
}
