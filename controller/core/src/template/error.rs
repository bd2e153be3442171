//! What is wrong with a template, where in its text, and what to write instead.

/// One problem of a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// Where it begins, in bytes from the text's beginning.
    pub offset: usize,
    /// Its length in bytes.
    pub length: usize,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// It is part of the language, but this release does not have it yet.
    pub unsupported: bool,
}

impl TemplateError {
    /// An error about `length` bytes at `offset`.
    pub(super) fn new(offset: usize, length: usize, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { offset, length, message: message.into(), help: Some(help.into()), unsupported: false }
    }
}
