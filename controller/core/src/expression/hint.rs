//! Errors as people read them, with a mend for habits from other languages.

use super::check::Use;
use super::{ExpressionError, engine};
use crate::values::Scope;
use rhai::{EvalAltResult, ParseError, Position};

/// The longest expression, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// Texts outside of quotes that are no rhai, what to say of them, and what to write instead.
const HABITS: [(&str, &str, &str); 19] = [
    ("===", "`===` is no operator", "write `==`: it never converts"),
    ("!==", "`!==` is no operator", "write `!=`: it never converts"),
    ("{{", "an expression has no braces", "write the path alone: `params.name == \"…\"`"),
    ("'", "single quotes hold a single character", "write texts in double quotes: `\"yes\"`"),
    ("`", "backticks are not supported", "write texts in double quotes: `\"yes\"`"),
    (
        "null",
        "there is no `null`: every value is there, or reading it is an error",
        "compare with `\"\"`, or ask for `steps.<id>.status`",
    ),
    ("undefined", "there is no `undefined`", "compare with `\"\"`, or ask for `steps.<id>.status`"),
    (".length", "`.length` is `.len()`", "write `.len()`"),
    (".includes", "`.includes` is `.contains`", "write `.contains(\"…\")`"),
    (".startsWith", "`.startsWith` is `.starts_with`", "write `.starts_with(\"…\")`"),
    (".endsWith", "`.endsWith` is `.ends_with`", "write `.ends_with(\"…\")`"),
    (".toLowerCase", "`.toLowerCase` is `.to_lower`", "write `.to_lower()`"),
    (".toUpperCase", "`.toUpperCase` is `.to_upper`", "write `.to_upper()`"),
    (".exit_code", "it is spelled `exitCode`", "write `.exitCode`"),
    ("parseInt", "`parseInt` is `int`", "write `int(…)`"),
    ("Number", "`Number` is `int` or `float`", "write `int(…)` or `float(…)`"),
    ("and", "`and` is `&&`", "write `&&`"),
    ("or", "`or` is `||`", "write `||`"),
    ("not", "`not` is `!`", "write `!`"),
];

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
    habit(&bare).or_else(|| dashed_step(&bare, scope)).or_else(|| dashed_state(&bare)).or_else(|| assignment_or_choice(&bare))
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

fn habit(bare: &str) -> Option<ExpressionError> {
    let found = HABITS.iter().filter_map(|(habit, message, help)| {
        let whole = |at: &usize| stands_alone(habit, &bare[..*at], &bare[at + habit.len()..]);
        let at = bare.match_indices(habit).map(|(at, _)| at).find(whole)?;
        Some(ExpressionError::new(at, *message, (*help).to_owned()))
    });
    found.min_by_key(|error| error.offset)
}

/// The habit is no part of a longer word, and no parameter or step of that name.
fn stands_alone(habit: &str, before: &str, after: &str) -> bool {
    let continues = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = match habit.chars().next() {
        Some('.') => !["params", "steps", "state"].iter().any(|root| before.ends_with(root)),
        Some(first) if continues(first) => !before.ends_with(|c| continues(c) || c == '.'),
        _ => true,
    };
    let ends = !habit.ends_with(continues) || !after.starts_with(continues);
    begins && ends
}

/// `steps.my-step.status` is a subtraction to rhai.
fn dashed_step(bare: &str, scope: &Scope) -> Option<ExpressionError> {
    let dashed = scope.earlier_steps.iter().map(|step| &*step.id).filter(|id| id.contains('-'));
    let (at, id) = dashed.filter_map(|id| Some((bare.find(&format!("steps.{id}"))?, id))).min()?;
    let message = format!("`steps.{id}` is a subtraction: a name behind a dot has no dash");
    Some(ExpressionError::new(at, message, format!("write `steps[\"{id}\"]`")))
}

/// `state.disk.web-1.used` is a subtraction to rhai, too; what is under `state` is text, of which nothing is subtracted.
fn dashed_state(bare: &str) -> Option<ExpressionError> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
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

/// `a = b` and `a ? b : c`.
fn assignment_or_choice(bare: &str) -> Option<ExpressionError> {
    for (at, c) in bare.char_indices() {
        let (before, after) = (bare[..at].chars().next_back(), bare[at + c.len_utf8()..].chars().next());
        if c == '=' && after != Some('=') && !matches!(before, Some('=' | '!' | '<' | '>')) {
            return Some(ExpressionError::new(at, "`=` would assign; nothing can be assigned here", "write `==`".to_owned()));
        }
        if c == '?' {
            let help = "join conditions with `&&`, `||` and `!`: `(a && b) || (!a && c)`".to_owned();
            return Some(ExpressionError::new(at, "there is no `?`: values are there, and there is no `a ? b : c`", help));
        }
    }
    None
}

/// A syntax error.
pub(super) fn syntax(text: &str, error: &ParseError) -> ExpressionError {
    let help = match error.err_type() {
        rhai::ParseErrorType::ExprTooDeep => "split it: compute a part in a step of its own",
        _ => "an expression compares values, such as `params.channel == \"stable\" && steps.check.exitCode == 0`",
    };
    ExpressionError::new(offset(text, error.position()), format!("syntax: {}", error.err_type()), help.to_owned())
}

/// An error of an evaluation.
pub(super) fn evaluation(text: &str, error: &EvalAltResult, uses: &[Use]) -> ExpressionError {
    let message = match error {
        EvalAltResult::ErrorRuntime(carried, _) => match carried.clone().try_cast::<engine::Failure>() {
            Some(failure) => {
                let at = offset(text, error.position());
                let help = failure.convert.map(|convert| converted(text, at, &convert, uses));
                return ExpressionError::new(at, failure.message, help);
            }
            None => carried.to_string(),
        },
        EvalAltResult::ErrorInFunctionCall(_, _, inner, position) => {
            return ExpressionError { offset: offset(text, *position), ..evaluation(text, inner, uses) };
        }
        EvalAltResult::ErrorMismatchDataType(wanted, found, _) => {
            format!("{} is needed here, but this is {}", engine::said(wanted), engine::said(found))
        }
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            let called = signature.split(" (").next().unwrap_or(signature);
            format!("`{called}` cannot be used with such values: {}", engine::said_signature(signature))
        }
        EvalAltResult::ErrorTooManyOperations(_) => "the evaluation takes too many steps".to_owned(),
        other => other.to_string(),
    };
    ExpressionError::new(offset(text, error.position()), message, None)
}

/// How to write a comparison of a text with a number, with the path where one stands beside the operator.
fn converted(text: &str, at: usize, convert: &engine::Convert, uses: &[Use]) -> String {
    let engine::Convert { operator, left, function } = convert;
    let of_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']' | '"');
    let (before, behind) = (text.get(..at).unwrap_or_default(), text.get(at + operator.len()..).unwrap_or_default());
    if *left {
        let from = uses.iter().map(|used| used.from).filter(|from| *from < at).max();
        let operand = from.and_then(|from| before.get(from..)).map(str::trim_end);
        return match operand.filter(|operand| operand.chars().all(of_path)) {
            Some(operand) => format!("write `{function}({operand}) {operator} …`"),
            None => format!("write `{function}(…) {operator} …` around the text on the left"),
        };
    }
    let operand = behind.trim_start();
    let from = text.len() - operand.len();
    let end = operand.find(|c| !of_path(c)).unwrap_or(operand.len());
    match uses.iter().any(|used| used.from == from) && !operand[end..].starts_with('(') {
        true => format!("write `… {operator} {function}({})`", &operand[..end]),
        false => format!("write `… {operator} {function}(…)` around the text on the right"),
    }
}

/// The byte at which a position stands; lines and characters are counted from 1.
pub(super) fn offset(text: &str, position: Position) -> usize {
    let (Some(line), column) = (position.line(), position.position().unwrap_or(1)) else { return 0 };
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = &text[start..];
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}
