/**
 * What commands wrote, as lines of spans. Colours and weights of ANSI become classes; every other escape sequence (links, titles,
 * cursor, clipboard) is dropped, and characters that would hide or turn text around are shown by their code.
 */

export interface Span {
  text: string;
  classes: string;
}
export type Line = Span[];

interface Style {
  fg: number | null;
  bg: number | null;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  inverse: boolean;
}

const PLAIN: Style = { fg: null, bg: null, bold: false, dim: false, italic: false, underline: false, inverse: false };
const ESCAPE =
  // eslint-disable-next-line no-control-regex
  /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~])|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c|(?=\n)|$)|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c\n]*(?:\x1b\\|\x9c|(?=\n)|$)|\x1b[ -/]*[0-~]?/g;
// Controls but tab and line feed, and what Unicode has to change direction or to be invisible.
// eslint-disable-next-line no-control-regex
const HIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** Text with what cannot be seen made visible. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (char) => `\u27e8U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}\u27e9`);
}

/** As `visible`, for messages of people and manifests: these have no colours. */
export function plain(text: string): string {
  return visible(text.replaceAll('\r\n', '\n').replaceAll('\r', '\n'));
}

export function parse(text: string): Line[] {
  let style = PLAIN;
  return text.replaceAll('\r\n', '\n').split('\n').map((raw) => {
    const [line, after] = parseLine(overwritten(raw), style);
    style = after;
    return line;
  });
}

/** A carriage return goes back to the line's beginning: of a progress bar the last state counts. */
function overwritten(raw: string): string {
  const trimmed = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
  return trimmed.slice(trimmed.lastIndexOf('\r') + 1);
}

function parseLine(raw: string, before: Style): [Line, Style] {
  const line: Line = [];
  let [style, at] = [before, 0];
  const push = (text: string) => {
    if (text !== '') line.push({ text: visible(text), classes: classesOf(style) });
  };
  for (const match of raw.matchAll(ESCAPE)) {
    push(raw.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === 'm') style = apply(style, match[1] ?? '');
  }
  push(raw.slice(at));
  return [line, style];
}

function apply(before: Style, codes: string): Style {
  const style = { ...before };
  const list = codes.split(/[;:]/).map((code) => (code === '' ? 0 : Number(code)));
  for (let place = 0; place < list.length; place += 1) {
    const code = list[place] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, used] = extended(list.slice(place + 1));
      if (code === 38) style.fg = colour;
      else style.bg = colour;
      place += used;
    } else simple(style, code);
  }
  return style;
}

function simple(style: Style, code: number): void {
  if (code === 0) Object.assign(style, PLAIN);
  else if (code === 1) style.bold = true;
  else if (code === 2) style.dim = true;
  else if (code === 3) style.italic = true;
  else if (code === 4) style.underline = true;
  else if (code === 7) style.inverse = true;
  else if (code === 22) style.bold = style.dim = false;
  else if (code === 23) style.italic = false;
  else if (code === 24) style.underline = false;
  else if (code === 27) style.inverse = false;
  else if (code === 39) style.fg = null;
  else if (code === 49) style.bg = null;
  else if (code >= 30 && code <= 37) style.fg = code - 30;
  else if (code >= 90 && code <= 97) style.fg = code - 82;
  else if (code >= 40 && code <= 47) style.bg = code - 40;
  else if (code >= 100 && code <= 107) style.bg = code - 92;
}

/** `5;n` and `2;r;g;b`, as the nearest of the sixteen, which can be read in both themes. */
function extended(rest: number[]): [number | null, number] {
  if (rest[0] === 5) return [of256(rest[1] ?? 0), 2];
  if (rest[0] === 2) return [nearest(rest[1] ?? 0, rest[2] ?? 0, rest[3] ?? 0), 4];
  return [null, rest.length];
}

function of256(code: number): number {
  if (code < 16) return code;
  if (code >= 232) return nearest(8 + (code - 232) * 10, 8 + (code - 232) * 10, 8 + (code - 232) * 10);
  const cube = code - 16;
  const level = (value: number) => (value === 0 ? 0 : 55 + value * 40);
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function nearest(r: number, g: number, b: number): number {
  const peak = Math.max(r, g, b);
  if (peak < 64) return 0;
  const on = (value: number) => (value > peak * 0.6 ? 1 : 0);
  const base = on(r) | (on(g) << 1) | (on(b) << 2);
  return base === 7 && peak < 170 ? 8 : base + (peak > 200 ? 8 : 0);
}

function classesOf(style: Style): string {
  const classes: string[] = [];
  if (style.fg !== null) classes.push(`fg-${style.fg}`);
  if (style.bg !== null) classes.push(`bg-${style.bg}`);
  for (const name of ['bold', 'dim', 'italic', 'underline', 'inverse'] as const) if (style[name]) classes.push(`a-${name}`);
  return classes.join(' ');
}

/** The text of a line, for searching. */
export const textOf = (line: Line): string => line.map((span) => span.text).join('');
