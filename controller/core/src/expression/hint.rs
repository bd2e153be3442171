//! Errors as people read them, with a mend for habits from other languages.

use super::{ExpressionError, engine};
use rhai::{EvalAltResult, ParseError, Position};

/// The longest expression, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// Habits from JavaScript that rhai reads in another way or with a sentence that does not help.
pub(super) fn before_parsing(text: &str) -> Option<ExpressionError> {
    if text.trim().is_empty() {
        return Some(ExpressionError::new(0, "the expression is empty", "leave the field out".to_owned()));
    }
    if text.len() > MAX_BYTES {
        let message = format!("the expression is {} bytes long; at most 8 KiB", text.len());
        return Some(ExpressionError::new(0, message, "compute it in a step and compare its stdout".to_owned()));
    }
    None
}

/// A syntax error.
pub(super) fn syntax(text: &str, error: &ParseError) -> ExpressionError {
    ExpressionError::new(offset(text, error.position()), error.err_type().to_string(), None)
}

/// An error of an evaluation.
pub(super) fn evaluation(text: &str, error: &EvalAltResult) -> ExpressionError {
    let message = match error {
        EvalAltResult::ErrorRuntime(message, _) => message.to_string(),
        EvalAltResult::ErrorMismatchDataType(wanted, found, _) => {
            format!("{} is needed here, but this is {}", engine::said(wanted), engine::said(found))
        }
        other => other.to_string(),
    };
    ExpressionError::new(offset(text, error.position()), message, None)
}

/// The byte at which a position stands; lines and characters are counted from 1.
pub(super) fn offset(text: &str, position: Position) -> usize {
    let (Some(line), column) = (position.line(), position.position().unwrap_or(1)) else { return 0 };
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = &text[start..];
    start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(at, _)| at)
}
