//! The old PULSE's conditions: a part of JavaScript, read and said again as an expression of PULSE.
//!
//! ```text
//! text ─▶ token ─▶ parse ─▶ tree ─▶ condition, compare ─▶ truth (expression)
//!                                  └──▶ value (texts and numbers)
//! ```
//!
//! What is not listed here is refused: nothing is ever evaluated, and no name is guessed.

mod compare;
mod condition;
mod parse;
mod token;
mod tree;
mod truth;
mod value;
#[cfg(test)]
mod vectors;

use super::note::Level;

/// What a condition can name.
pub trait Names {
    /// The new name of a parameter.
    fn param(&mut self, old: &str) -> Result<String, String>;
    /// The prompt whose answer `promptResponse` is at this place.
    fn answer(&mut self) -> Result<Answer, String>;
}

/// The prompt whose answer is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The step's id.
    pub step: String,
    /// The step has a condition, so that it may not have asked.
    pub optional: bool,
}

/// A condition said again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    /// The expression.
    pub text: String,
    /// What is to be said about it.
    pub remarks: Vec<(Level, &'static str)>,
}

/// Why a condition cannot be said again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untranslatable {
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to write by hand.
    pub help: String,
}

impl Untranslatable {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

/// Translates a condition.
pub fn translate(text: &str, names: &mut dyn Names) -> Result<Translated, Untranslatable> {
    let tree = parse::parse(text)?;
    condition::translate(&tree, names)
}
