/** What may be written where the cursor stands: the JSON Schema of the manifests, and where one is by indentation. */

export type Schema = Record<string, unknown>;

export interface Suggestion {
  label: string;
  info: string;
  isKey: boolean;
}

/** One step into a document: a field's name, or an item of a list. */
export type Path = (string | typeof ITEM)[];
export const ITEM = Symbol('item');

interface Row {
  indent: number;
  key: string | null;
  isItem: boolean;
}

const KEY = /^(\s*)((?:- +)*)(?:"([^"]*)"|([\w./-]+))\s*:(?:\s|$)/;
const BARE_ITEM = /^(\s*)-(?:\s|$)/;

/** The rows that a line stands for: `- id: x` is an item, and in it a field. */
function rowsOf(line: string): Row[] {
  if (/^\s*(#|$)/.test(line)) return [];
  const rows: Row[] = [];
  const item = BARE_ITEM.exec(line);
  if (item) rows.push({ indent: (item[1] ?? '').length, key: null, isItem: true });
  const key = KEY.exec(line);
  if (key) rows.push({ indent: (key[1] ?? '').length + (key[2] ?? '').length, key: key[3] ?? key[4] ?? '', isItem: false });
  return rows;
}

/** The path of the object in which a word that begins in this column stands. */
export function pathAt(lines: string[], at: number, column: number): Path {
  const path: Path = [];
  let [indent, isItem] = [column, false];
  const own = rowsOf(lines[at] ?? '').filter((row) => row.isItem && row.indent < column);
  for (const row of own.reverse()) {
    path.unshift(ITEM);
    [indent, isItem] = [row.indent, true];
  }
  for (let line = at - 1; line >= 0 && indent >= 0; line -= 1) {
    const text = lines[line] ?? '';
    if (/^---/.test(text)) break;
    for (const row of rowsOf(text).reverse()) {
      // A list may stand as far left as the field that holds it.
      const holds = row.indent < indent || (isItem && !row.isItem && row.indent === indent);
      if (!holds) continue;
      path.unshift(row.isItem ? ITEM : (row.key ?? ''));
      [indent, isItem] = [row.indent, row.isItem];
    }
  }
  return path;
}

/** Every part of the schema that may describe what is at the path. */
export function schemasAt(root: Schema, path: Path): Schema[] {
  let found = spread(root, [root]);
  for (const part of path) {
    found = spread(root, found.flatMap((schema) => (part === ITEM ? [schema['items']] : field(schema, part as string))).filter(isSchema));
  }
  return found;
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value);

function field(schema: Schema, name: string): unknown[] {
  const properties = schema['properties'];
  return isSchema(properties) && name in properties ? [properties[name]] : [schema['additionalProperties']];
}

/** With everything that it refers to and is put together of. */
function spread(root: Schema, schemas: Schema[]): Schema[] {
  const seen = new Set<Schema>();
  const queue = [...schemas];
  for (let schema = queue.pop(); schema; schema = queue.pop()) {
    if (seen.has(schema)) continue;
    seen.add(schema);
    const parts = ['allOf', 'anyOf', 'oneOf'].flatMap((name) => (Array.isArray(schema?.[name]) ? (schema[name] as unknown[]) : []));
    queue.push(...[...parts, schema['if'], schema['then'], schema['else'], referred(root, schema['$ref'])].filter(isSchema));
  }
  return [...seen];
}

function referred(root: Schema, ref: unknown): unknown {
  if (typeof ref !== 'string' || !ref.startsWith('#/')) return undefined;
  return ref.slice(2).split('/').reduce<unknown>((at, part) => (isSchema(at) ? at[part.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined), root);
}

const info = (schema: unknown): string => (isSchema(schema) && typeof schema['description'] === 'string' ? schema['description'] : '');

/** Fields that an object at the path may have. */
export function keysAt(root: Schema, path: Path): Suggestion[] {
  const found = new Map<string, string>();
  for (const schema of schemasAt(root, path)) {
    const properties = schema['properties'];
    if (!isSchema(properties)) continue;
    for (const [name, one] of Object.entries(properties)) {
      const text = spread(root, [one].filter(isSchema)).map(info).find((text) => text !== '') ?? '';
      if (!found.get(name)) found.set(name, text);
    }
  }
  return [...found].filter(([name]) => name !== '$schema').map(([label, text]) => ({ label, info: text, isKey: true }));
}

/** Values that the field at the path may have, where they are known. */
export function valuesAt(root: Schema, path: Path): Suggestion[] {
  const found = new Set<string>();
  for (const schema of schemasAt(root, path)) {
    const values = [...(Array.isArray(schema['enum']) ? schema['enum'] : []), ...('const' in schema ? [schema['const']] : [])];
    for (const value of values) if (typeof value === 'string') found.add(value);
    if (schema['type'] === 'boolean') ['true', 'false'].forEach((value) => found.add(value));
  }
  return [...found].map((label) => ({ label, info: '', isKey: false }));
}

/** A document without what the schema gives by itself anyway. */
export function pruned(root: Schema, value: unknown, path: Path = []): unknown {
  if (Array.isArray(value)) return value.map((item) => pruned(root, item, [...path, ITEM]));
  if (!isSchema(value)) return value;
  const kept = Object.entries(value).filter(([name, one]) => !isDefault(schemasAt(root, path), name, one));
  return Object.fromEntries(kept.map(([name, one]) => [name, pruned(root, one, [...path, name])]));
}

/** Where one kind of step has this default for a field and another kind has none, or another one, it stays. */
function isDefault(parents: Schema[], name: string, value: unknown): boolean {
  const fields = parents.map((schema) => (isSchema(schema['properties']) ? schema['properties'][name] : undefined)).filter(isSchema);
  const described = fields.filter((one) => 'default' in one || 'type' in one || '$ref' in one || 'anyOf' in one);
  return described.length > 0 && described.every((one) => 'default' in one && JSON.stringify(one['default']) === JSON.stringify(value));
}
