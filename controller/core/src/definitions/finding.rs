//! What a check finds, by pointer; the file's tree makes a line and a column of it.

use crate::expression::ExpressionError;
use crate::template::TemplateError;
use crd_schemas::Severity;

/// One finding about one manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// RFC 6901 pointer into the document.
    pub pointer: String,
    /// Within the value there: offset and length in bytes.
    pub offset: Option<(usize, usize)>,
    /// Error or warning.
    pub severity: Severity,
    /// Stable code in kebab case.
    pub code: &'static str,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Finding {
    /// An error at a pointer.
    pub(crate) fn error(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        let (pointer, message) = (pointer.into(), message.into());
        Self { pointer, offset: None, severity: Severity::Error, code, message, help: None }
    }
    /// A warning at a pointer.
    pub(crate) fn warning(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(pointer, code, message) }
    }
    /// The same with a mend.
    pub(crate) fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
    /// A template's error.
    pub(crate) fn template(pointer: &str, error: TemplateError) -> Self {
        let code = if error.unsupported { "unsupported" } else { "bad-template" };
        Self { offset: Some((error.offset, error.length)), help: error.help, ..Self::error(pointer, code, error.message) }
    }
    /// An expression's error.
    pub(crate) fn expression(pointer: &str, error: ExpressionError) -> Self {
        let code = if error.unsupported { "unsupported" } else { "bad-expression" };
        Self { offset: Some((error.offset, 1)), help: error.help, ..Self::error(pointer, code, error.message) }
    }
}

/// A part of a pointer, escaped as RFC 6901 says.
pub(crate) fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}
