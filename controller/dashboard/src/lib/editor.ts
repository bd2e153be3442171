/**
 * The YAML editor: CodeMirror in a shadow root, because there it takes its styles as constructed sheets, which a policy without
 * `unsafe-inline` lets through.
 */
import { autocompletion, completionKeymap, closeBrackets, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { HighlightStyle, bracketMatching, foldGutter, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension, type Text } from '@codemirror/state';
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { ManifestProblem } from '../api/types';
import { keysAt, pathAt, valuesAt, type Schema, type Suggestion } from './complete';

const theme = EditorView.theme({
  '&': { backgroundColor: 'var(--log)', color: 'var(--text)', fontSize: '13px', border: '1px solid var(--line)', borderRadius: '6px', maxHeight: '65vh' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '1px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--accent)' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)' },
  '.cm-gutters': { backgroundColor: 'var(--log)', color: 'var(--dim)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--hover) 60%, transparent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'color-mix(in srgb, var(--accent) 28%, transparent)' },
  '.cm-tooltip, .cm-panels': { backgroundColor: 'var(--panel)', color: 'var(--text)', border: '1px solid var(--strong-line)', borderRadius: '6px' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--ok-bg)', color: 'var(--strong)' },
  '.cm-completionInfo': { maxWidth: '24rem', padding: '0.4rem 0.6rem' },
  '.cm-panel input, .cm-panel button': { color: 'var(--text)', background: 'var(--bg)', border: '1px solid var(--strong-line)' },
  '.cm-diagnostic': { padding: '0.3rem 0.6rem' },
  // The lint extension draws with `data:` images, which the policy does not let in.
  '.cm-lintRange': { backgroundImage: 'none' },
  '.cm-lintRange-error': { textDecoration: 'underline wavy var(--bad)' },
  '.cm-lintRange-warning': { textDecoration: 'underline wavy var(--warn)' },
  '.cm-lint-marker': { fontWeight: '700', textAlign: 'center', lineHeight: '1' },
  '.cm-lint-marker-error': { content: 'normal', color: 'var(--bad)' },
  '.cm-lint-marker-error::before': { content: '"×"' },
  '.cm-lint-marker-warning': { content: 'normal', color: 'var(--warn)' },
  '.cm-lint-marker-warning::before': { content: '"!"' },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--info)' },
  { tag: [tags.string, tags.content], color: 'var(--text)' },
  { tag: [tags.keyword, tags.bool, tags.number, tags.atom], color: 'var(--warn)' },
  { tag: tags.comment, color: 'var(--dim)', fontStyle: 'italic' },
  { tag: [tags.punctuation, tags.separator, tags.meta], color: 'var(--dim)' },
]);

export interface Wishes {
  parent: ShadowRoot;
  text: string;
  label: string;
  readonly: boolean;
  changed: (text: string) => void;
  /** The schema of the kind that the text declares, once it was read. */
  schema: (kind: string) => Schema | null;
}

export function makeEditor(wishes: Wishes): EditorView {
  const extensions: Extension[] = [
    lineNumbers(), foldGutter(), drawSelection(), highlightSelectionMatches(), bracketMatching(), yaml(), syntaxHighlighting(colours), theme,
    EditorView.contentAttributes.of({ 'aria-label': wishes.label, spellcheck: 'false', tabindex: '0' }),
    keymap.of([...searchKeymap, ...defaultKeymap]),
  ];
  if (wishes.readonly) extensions.push(EditorState.readOnly.of(true), EditorView.editable.of(false));
  else {
    extensions.push(
      history(), indentOnInput(), closeBrackets(), highlightActiveLine(), lintGutter(),
      autocompletion({ override: [(context) => complete(context, wishes.schema)] }),
      keymap.of([...historyKeymap, ...completionKeymap, ...lintKeymap, indentWithTab]),
      EditorView.updateListener.of((update) => update.docChanged && wishes.changed(update.state.doc.toString())),
    );
  }
  return new EditorView({ state: EditorState.create({ doc: wishes.text, extensions }), parent: wishes.parent, root: wishes.parent });
}

const asCompletion = (one: Suggestion): Completion => ({
  label: one.label,
  type: one.isKey ? 'property' : 'enum',
  ...(one.info === '' ? {} : { info: one.info }),
  ...(one.isKey ? { apply: `${one.label}: ` } : {}),
});

function complete(context: CompletionContext, schemaOf: Wishes['schema']): CompletionResult | null {
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  const lines = context.state.doc.toString().split('\n');
  const schema = schemaOf(kindAt(lines, line.number - 1));
  if (!schema) return null;
  const value = /^(\s*(?:- +)*)([\w./-]+):\s+(\S*)$/.exec(before);
  if (value) {
    const path = [...pathAt(lines, line.number - 1, (value[1] ?? '').length), value[2] ?? ''];
    return { from: context.pos - (value[3] ?? '').length, options: valuesAt(schema, path).map(asCompletion) };
  }
  const key = /^(\s*(?:- +)*)([\w./-]*)$/.exec(before);
  if (!key || (key[2] === '' && !context.explicit)) return null;
  const options = keysAt(schema, pathAt(lines, line.number - 1, (key[1] ?? '').length)).map(asCompletion);
  return { from: context.pos - (key[2] ?? '').length, options };
}

/** The `kind` of the document in which a line stands. */
export function kindAt(lines: string[], at: number): string {
  let from = at;
  while (from > 0 && !/^---/.test(lines[from] ?? '')) from -= 1;
  const kind = lines.slice(from).find((line) => /^kind:\s*\w+/.test(line));
  return /^kind:\s*(\w+)/.exec(kind ?? '')?.[1] ?? 'Workflow';
}

/** Shows the controller's own problems where they are. */
export function showProblems(view: EditorView, problems: ManifestProblem[]): void {
  view.dispatch(setDiagnostics(view.state, problems.map((one) => diagnostic(view.state.doc, one))));
}

function diagnostic(doc: Text, problem: ManifestProblem): Diagnostic {
  const from = offset(doc, problem.line ?? 1, problem.column ?? 1);
  const to = Math.max(from, offset(doc, problem.endLine ?? problem.line ?? 1, problem.endColumn ?? problem.column ?? 1));
  const message = problem.help ? `${problem.message}: ${problem.help}` : problem.message;
  return { from, to, severity: problem.severity === 'warning' ? 'warning' : 'error', message, source: problem.code };
}

/** Columns count characters, positions count UTF-16. */
function offset(doc: Text, line: number, column: number): number {
  const at = doc.line(Math.min(Math.max(1, line), doc.lines));
  const before = [...at.text].slice(0, Math.max(0, column - 1)).join('').length;
  return Math.min(at.from + before, at.to);
}

/** Goes to a problem's place. */
export function goTo(view: EditorView, problem: ManifestProblem): void {
  const at = offset(view.state.doc, problem.line ?? 1, problem.column ?? 1);
  view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'center' }) });
  view.focus();
}
