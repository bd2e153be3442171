//! The trace that an execution belongs to, and the W3C header that says so.

use super::span::{hex, of_id};
use pulse_protocol::{AttemptId, ExecutionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The trace that an execution belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceContext {
    /// The trace's id: the caller's, or the execution's own.
    pub id: String,
    /// The caller's span, where the caller has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Whether anybody wants its spans.
    pub sampled: bool,
}

impl TraceContext {
    /// A trace of its own.
    pub fn of(execution: ExecutionId) -> Self {
        Self { id: hex(execution.0.as_bytes()), parent: None, sampled: true }
    }

    /// What a `traceparent` header says; `None` where it is not of its form. A later version may have more behind what is known.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        let is_id = |text: &str, length: usize| is_hex(text, length) && text.bytes().any(|byte| byte != b'0');
        let whole = is_hex(version, 2) && version != "ff" && is_id(id, 32) && is_id(parent, 16) && is_hex(flags, 2);
        if !whole || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Some(Self { id: id.to_owned(), parent: Some(parent.to_owned()), sampled })
    }

    /// The header that a command hands on: its own span is that of its attempt.
    pub fn of_attempt(&self, attempt: AttemptId) -> String {
        format!("00-{}-{}-{:02x}", self.id, of_id(attempt.0.as_bytes()), u8::from(self.sampled))
    }
}
