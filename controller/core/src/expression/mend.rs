//! Errors of an evaluation as people read them, each with what to write instead.

use super::ExpressionError;
use super::check::Use;
use super::engine::{self, Kind, Unlike};
use super::hint::offset;
use rhai::EvalAltResult;

/// What each function takes.
const TAKES: [(&[&str], &str); 5] = [
    (&["!"], "compare first: `… != \"yes\"` or `!(… == \"yes\")`; a text is asked whether it is empty: `.is_empty()`"),
    (&["int", "float"], "it takes a text or a number: `int(state.used)`"),
    (&["to_lower", "to_upper", "trim"], "it takes a text: `state.name.trim()`"),
    (
        &["contains", "starts_with", "ends_with"],
        "a text is asked for a text: `.contains(\"5\")`, or `string(…)` around a number; a map for a name",
    ),
    (&["len", "is_empty"], "it takes a text, a list or a map, and nothing else: `params.hosts.len()`"),
];

/// An error of an evaluation.
pub(super) fn evaluation(text: &str, error: &EvalAltResult, uses: &[Use]) -> ExpressionError {
    let at = offset(text, error.position());
    let (message, help) = match error {
        EvalAltResult::ErrorRuntime(carried, _) => match carried.clone().try_cast::<engine::Failure>() {
            Some(failure) => {
                let unlike = failure.unlike.and_then(|found| unlike(text, at, &found, uses));
                (failure.message, unlike.or(failure.help))
            }
            None => (carried.to_string(), None),
        },
        EvalAltResult::ErrorInFunctionCall(_, _, inner, position) => {
            return ExpressionError { offset: offset(text, *position), ..evaluation(text, inner, uses) };
        }
        EvalAltResult::ErrorMismatchDataType(wanted, found, _) => {
            let message = format!("{} is needed here, but this is {}", engine::said(wanted), engine::said(found));
            // rhai means the last part of the path; people look for its beginning.
            let from = uses.iter().find(|used| (used.from..=used.to).contains(&at)).map_or(at, |used| used.from);
            return ExpressionError::new(from, message, compared(found));
        }
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            let called = signature.split(" (").next().unwrap_or(signature);
            let help = TAKES.iter().find(|(names, _)| names.contains(&called)).map(|(_, help)| (*help).to_owned());
            (format!("`{called}` cannot be used with such values: {}", engine::said_signature(signature)), help)
        }
        EvalAltResult::ErrorTooManyOperations(_) => ("the evaluation takes too many steps".to_owned(), None),
        other => (other.to_string(), None),
    };
    ExpressionError::new(at, message, help)
}

/// How a value of a type is made true or false.
pub(super) fn compared(kind: &str) -> String {
    let other = if matches!(kind, "i64" | "f64") { "0" } else { "\"yes\"" };
    format!("compare it with something, such as `… == {other}`")
}

/// What to write where the values on both sides of an operator are unlike.
fn unlike(text: &str, at: usize, unlike: &Unlike, uses: &[Use]) -> Option<String> {
    let Unlike { operator, left, right } = unlike;
    let sides = || Some((text.get(..at)?.trim_end(), text.get(at..)?.strip_prefix(operator.as_str())?.trim_start()));
    // A list compares its items itself.
    let Some((before, behind)) = sides() else {
        return Some(
            "the items of a list and what it is asked for must be alike: texts, `\"5\"` or `string(…)`, or numbers".to_owned(),
        );
    };
    let help = match (left, right) {
        (Kind::Text, Kind::Whole | Kind::Float) | (Kind::Whole | Kind::Float, Kind::Text) => {
            return Some(text_and_number(text, at, unlike, uses));
        }
        (Kind::Text, Kind::Truth) => {
            text_and_truth(literal_before(before), behind.starts_with("true") || behind.starts_with("false"))
        }
        (Kind::Truth, Kind::Text) => {
            text_and_truth(literal_behind(behind), before.ends_with("true") || before.ends_with("false"))
        }
        (Kind::Truth, Kind::Truth) => "true and false have no order: compare them with `==` or `!=`".to_owned(),
        (Kind::Truth, _) | (_, Kind::Truth) => "compare each side, and join them: `1 < params.n && params.n < 5`".to_owned(),
        (Kind::List, _) | (_, Kind::List) => {
            "ask a list with `.contains(\"…\")`, `\"…\" in …`, `.len()` or `.is_empty()`".to_owned()
        }
        (Kind::Map, _) | (_, Kind::Map) => {
            "name a value in the map, or ask it with `.contains(\"name\")`, `.len()` or `.is_empty()`".to_owned()
        }
        _ if matches!(operator.as_str(), "-" | "*" | "/" | "%") => "make numbers of texts: `int(…)` or `float(…)`".to_owned(),
        _ => return None,
    };
    Some(help)
}

fn text_and_truth(literal: Option<&str>, truth_is_literal: bool) -> String {
    match literal {
        Some(word @ ("true" | "false")) => format!("leave the quotes out: `{word}`"),
        Some(_) => "compare it with `true` or `false`".to_owned(),
        None if truth_is_literal => {
            "compare it with a text, `\"true\"`; a parameter with `type: bool` is true or false itself".to_owned()
        }
        None => "make a text of the other side: `string(…)`".to_owned(),
    }
}

/// How to write a comparison of a text with a number, with the path where one stands beside the operator.
fn text_and_number(text: &str, at: usize, unlike: &Unlike, uses: &[Use]) -> String {
    let Unlike { operator, left, right } = unlike;
    let is_left = *left == Kind::Text;
    let function = if *left == Kind::Float || *right == Kind::Float { "float" } else { "int" };
    let (before, behind) = (text.get(..at).unwrap_or_default(), text.get(at + operator.len()..).unwrap_or_default());
    if let Some(literal) = if is_left { literal_before(before) } else { literal_behind(behind) } {
        let number = literal.trim();
        return match (number.parse::<f64>().is_ok(), is_left) {
            (true, true) => format!("leave the quotes out: `{number} {operator} …`"),
            (true, false) => format!("leave the quotes out: `… {operator} {number}`"),
            (false, _) if operator == "+" => "make a text of the number: `string(…)`".to_owned(),
            (false, _) => format!("a number is compared with a number; \"{literal}\" is none"),
        };
    }
    let of_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']' | '"');
    if is_left {
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

/// What stands between the quotes right before an operator.
fn literal_before(before: &str) -> Option<&str> {
    let (text, literal) = before.trim_end().strip_suffix('"')?.rsplit_once('"')?;
    // In brackets it is a name.
    (!text.ends_with(['[', '\\'])).then_some(literal)
}

/// What stands between the quotes right behind an operator.
fn literal_behind(behind: &str) -> Option<&str> {
    let (literal, rest) = behind.trim_start().strip_prefix('"')?.split_once('"')?;
    // A function may be called on it.
    (!literal.contains('\\') && !rest.starts_with('.')).then_some(literal)
}
