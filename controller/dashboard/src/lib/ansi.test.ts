import { describe, expect, it } from 'vitest';
import { parse, textOf, visible } from './ansi';

const ESC = '\u001b';

describe('output of commands', () => {
  it('has its colours and weights as classes, over lines, until they are taken back', () => {
    const lines = parse(`${ESC}[1;31mred\nstill${ESC}[0m plain ${ESC}[38;5;196mbright ${ESC}[38;2;0;255;0mgreen${ESC}[39m ${ESC}[94mblue`);
    expect(lines[0]).toEqual([{ text: 'red', classes: 'fg-1 a-bold' }]);
    expect(lines[1]?.map((span) => span.classes)).toEqual(['fg-1 a-bold', '', 'fg-9', 'fg-10', '', 'fg-12']);
  });

  it('loses every other sequence: titles, links, clipboard, cursor, other screens, even when they never end', () => {
    const evil = `a${ESC}]0;title\u0007b${ESC}]8;;javascript:alert(1)${ESC}\\c${ESC}]52;c;ZXZpbA==\u0007d${ESC}[2J${ESC}[H${ESC}[?1049he${ESC}Pq#0${ESC}\\f\u009b31mg${ESC}(Bh`;
    expect(textOf(parse(evil)[0] ?? [])).toBe('abcdefgh');
    expect(parse(`x${ESC}]0;never ends\ny`).map(textOf)).toEqual(['x', 'y']);
    expect(parse(`x${ESC}`).map(textOf)).toEqual(['x']);
  });

  it('shows what would hide or turn text', () => {
    expect(visible('a\u202etxt.exe\u2066\u200b\u0000\u{e0041}')).toBe('a⟨U+202E⟩txt.exe⟨U+2066⟩⟨U+200B⟩⟨U+0000⟩⟨U+E0041⟩');
    expect(visible('tab\tand\nline, ä € 🦀')).toBe('tab\tand\nline, ä € 🦀');
  });

  it('keeps the last state of a progress bar', () => {
    expect(parse('10%\r50%\r100%\ndone\r\nend').map(textOf)).toEqual(['100%', 'done', 'end']);
  });

  it('is quick on a line without an end', () => {
    const before = performance.now();
    parse(`${ESC}[`.repeat(20_000) + ESC + ']'.repeat(200_000));
    expect(performance.now() - before).toBeLessThan(1500);
  });
});
