//! Spans, as far as this program has them. How they are written down is the exporter's business.

use crate::time::Timestamp;
use sha2::{Digest, Sha256};

/// A span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its trace, 32 hex digits.
    pub trace: String,
    /// Its own id, 16 hex digits.
    pub id: String,
    /// The span that it belongs to.
    pub parent: Option<String>,
    /// Its name; one of few.
    pub name: String,
    /// Whether it answers somebody.
    pub kind: SpanKind,
    /// When it began.
    pub start: Timestamp,
    /// When it was over.
    pub end: Timestamp,
    /// What is known of it.
    pub attributes: Vec<(&'static str, Value)>,
    /// What happened on its way.
    pub moments: Vec<Moment>,
    /// Spans of other traces that it has to do with.
    pub links: Vec<Link>,
    /// Why it is an error; none where it is not.
    pub error: Option<String>,
}

/// Whether a span answers somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// A part of its parent.
    Internal,
    /// What was asked for.
    Server,
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

/// A moment within a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// What happened.
    pub name: &'static str,
    /// When.
    pub at: Timestamp,
}

/// A span of another trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its trace.
    pub trace: String,
    /// Its id.
    pub span: String,
}

/// What came of something, in the words of the CI/CD conventions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Result {
    /// Well.
    Success,
    /// Not well.
    Failure,
    /// It cannot be said, or PULSE could not do its part.
    Error,
    /// Its time was over.
    Timeout,
    /// Somebody ended it.
    Cancellation,
    /// It did not run.
    Skip,
}

impl Result {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Cancellation => "cancellation",
            Self::Skip => "skip",
        }
    }

    /// Whether a span with it is an error.
    pub const fn is_error(self) -> bool {
        matches!(self, Self::Failure | Self::Error | Self::Timeout)
    }
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The span of what has a UUID: its random half, which is never all zeros.
pub fn of_id(uuid: &[u8; 16]) -> String {
    hex(&uuid[8..])
}

/// The span of what has none: made of the execution and what it is called there.
pub(super) fn of_words(execution: &[u8; 16], words: &str) -> String {
    let digest = Sha256::new().chain_update(execution).chain_update(words).finalize();
    // All zeros would be no id; a digest that begins so is not to be met.
    hex(&digest[..8])
}
