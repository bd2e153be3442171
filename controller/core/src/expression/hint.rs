//! Errors before a text is an expression: habits from other languages, names with dashes, syntax.

use super::{ExpressionError, habit};
use crate::values::Scope;
use rhai::{LexError, ParseError, ParseErrorType, Position};

/// The longest expression, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// Habits that rhai reads in another way, or refuses with a sentence that does not help.
pub(super) fn before_parsing(text: &str, scope: &Scope) -> Option<ExpressionError> {
    if text.trim().is_empty() {
        return Some(ExpressionError::new(0, "the expression is empty", "leave the field out".to_owned()));
    }
    if text.len() > MAX_BYTES {
        let message = format!("the expression is {} bytes long; at most 8 KiB", text.len());
        return Some(ExpressionError::new(0, message, "compute it in a step and compare its stdout".to_owned()));
    }
    let bare = without_texts(text);
    let dashed = || dashed_step(&bare, scope).or_else(|| dashed_target(text, &bare)).or_else(|| dashed_state(&bare));
    habit::habit(&bare).or_else(dashed).or_else(|| single_sign(&bare))
}

/// The text with what stands between double quotes blanked, so that offsets stay.
fn without_texts(text: &str) -> String {
    let (mut within, mut escaped) = (false, false);
    let blank = |c: char| {
        let keep = !within || c == '"' && !escaped;
        if c == '"' && !escaped {
            within = !within;
        }
        escaped = within && c == '\\' && !escaped;
        if keep { c.to_string() } else { " ".repeat(c.len_utf8()) }
    };
    text.chars().map(blank).collect()
}

/// `steps.my-step.status` is a subtraction to rhai.
fn dashed_step(bare: &str, scope: &Scope) -> Option<ExpressionError> {
    let dashed = scope.earlier_steps.iter().map(|step| &*step.id).filter(|id| id.contains('-'));
    let (at, id) = dashed.filter_map(|id| Some((bare.find(&format!("steps.{id}"))?, id))).min()?;
    let message = format!("`steps.{id}` is a subtraction: a name behind a dot has no dash");
    Some(ExpressionError::new(at, message, format!("write `steps[\"{id}\"]`")))
}

/// `steps.check.agents.web-1.status` is one, too.
fn dashed_target(text: &str, bare: &str) -> Option<ExpressionError> {
    const AGENTS: &str = ".agents.";
    let of_path = |c: char| of_name(c) || matches!(c, '.' | '[' | ']' | '"');
    let found = bare.match_indices(AGENTS).find_map(|(dot, _)| {
        // A step's id in brackets is blanked in the one, and there in the other.
        let last = text[..dot].char_indices().rev().find(|(_, c)| !of_path(*c));
        let from = last.map_or(0, |(at, c)| at + c.len_utf8());
        let behind = &bare[dot + AGENTS.len()..];
        let path = &behind[..behind.find(|c| !of_name(c) && c != '.').unwrap_or(behind.len())];
        let (name, field) = path.rsplit_once('.').unwrap_or((path, "<field>"));
        let is_target = text[from..].starts_with("steps") && name.contains('-') && !name.ends_with('-');
        is_target.then(|| (from, &text[from..dot], name, field))
    });
    let (at, step, name, field) = found?;
    let message = format!("`.agents.{name}` is a subtraction: a name behind a dot has no dash");
    Some(ExpressionError::new(at, message, format!("write `{step}.agents[\"{name}\"].{field}`")))
}

/// `state.disk.web-1.used` is a subtraction to rhai, too; what is under `state` is text, of which nothing is subtracted.
fn dashed_state(bare: &str) -> Option<ExpressionError> {
    let roots = bare.match_indices("state.").map(|(at, _)| at).filter(|at| !bare[..*at].ends_with(|c| of_name(c) || c == '.'));
    let path = |at: usize| {
        let rest = &bare[at..];
        &rest[..rest.find(|c| !of_name(c) && c != '.').unwrap_or(rest.len())]
    };
    let (at, path) = roots.map(|at| (at, path(at).trim_end_matches(['-', '.']))).find(|(_, path)| path.contains('-'))?;
    let part = |name: &str| if name.contains('-') { format!("[\"{name}\"]") } else { format!(".{name}") };
    let written: String = path.split('.').skip(1).map(part).collect();
    let message = format!("`{path}` is a subtraction: a name behind a dot has no dash");
    Some(ExpressionError::new(at, message, format!("write `state{written}`")))
}

fn of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// `a = b`, `a ? b : c`, `a & b` and `a | b`.
fn single_sign(bare: &str) -> Option<ExpressionError> {
    for (at, c) in bare.char_indices() {
        let (before, after) = (bare[..at].chars().next_back(), bare[at + c.len_utf8()..].chars().next());
        let alone = after != Some(c) && before != Some(c);
        let (message, help) = match c {
            '=' if alone && !matches!(before, Some('!' | '<' | '>')) => {
                ("`=` would assign; nothing can be assigned here", "write `==`")
            }
            '?' => (
                "there is no `?`: values are there, and there is no `a ? b : c`",
                "join conditions with `&&`, `||` and `!`: `(a && b) || (!a && c)`",
            ),
            '&' if alone => ("`&` is no operator", "write `&&`"),
            '|' if alone => ("`|` is no operator", "write `||`; a function is called with a dot: `.trim()`"),
            _ => continue,
        };
        return Some(ExpressionError::new(at, message, help.to_owned()));
    }
    None
}

/// A syntax error.
pub(super) fn syntax(text: &str, error: &ParseError) -> ExpressionError {
    let at = offset(text, error.position());
    let help = match error.err_type() {
        ParseErrorType::PropertyExpected | ParseErrorType::Reserved(..) => match reserved(text, at) {
            Some(error) => return error,
            None => "names stand behind a dot, `params.channel`, and texts in double quotes, `\"stable\"`",
        },
        ParseErrorType::ExprTooDeep => "split it: compute a part in a step of its own",
        ParseErrorType::BadInput(LexError::UnterminatedString) => "close the text with a double quote: `\"yes\"`",
        ParseErrorType::MissingToken(..) => "close what is open",
        ParseErrorType::MismatchedType(..) => {
            "compare it, too: `params.x == \"a\" || params.x == \"b\"`, or `params.x in [\"a\", \"b\"]`"
        }
        ParseErrorType::UnexpectedEOF => "something is missing at its end: an operator stands between two values",
        _ => "an expression compares values, such as `params.channel == \"stable\" && steps.check.exitCode == 0`",
    };
    let message = match error.err_type() {
        ParseErrorType::UnexpectedEOF => "syntax: the expression ends too early".to_owned(),
        other => format!("syntax: {other}"),
    };
    ExpressionError::new(at, message, help.to_owned())
}

/// `params.package`: a word that rhai keeps for itself stands behind a dot.
fn reserved(text: &str, at: usize) -> Option<ExpressionError> {
    let (before, behind) = (text[..at].strip_suffix('.')?, &text[at..]);
    let word = &behind[..behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(behind.len())];
    let from = before.rfind(|c| !of_name(c) && !matches!(c, '.' | '[' | ']' | '"')).map_or(0, |last| last + 1);
    let path = before.get(from..).filter(|path| !path.is_empty() && !word.is_empty())?;
    let message = format!("`{word}` is a word of the language, which cannot stand behind a dot");
    Some(ExpressionError::new(at, message, format!("write `{path}[\"{word}\"]`")))
}

/// The byte at which a position stands; lines and characters are counted from 1.
pub(super) fn offset(text: &str, position: Position) -> usize {
    let (Some(line), column) = (position.line(), position.position().unwrap_or(1)) else { return 0 };
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = &text[start..];
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}
