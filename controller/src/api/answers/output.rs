//! What commands wrote, as text.

use pulse_protocol::AttemptId;
use pulse_protocol::message::Stream;
use schemars::JsonSchema;
use serde::Serialize;

/// A page of output.
pub(in crate::api) type OutputPage = super::Page<OutputItem>;

/// A piece of one stream of one attempt.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct OutputItem {
    /// The attempt.
    pub(in crate::api) attempt: AttemptId,
    /// The step.
    pub(in crate::api) step: String,
    /// Which visit of it.
    pub(in crate::api) visit: u32,
    /// The agent.
    pub(in crate::api) agent: String,
    /// Which try of the target.
    #[serde(rename = "try")]
    pub(in crate::api) number: u32,
    /// The stream.
    pub(in crate::api) stream: Stream,
    /// The byte of the stream that the text begins with.
    pub(in crate::api) offset: u64,
    /// The byte after its last one.
    pub(in crate::api) end: u64,
    /// The text, with U+FFFD for what is no UTF-8.
    pub(in crate::api) text: String,
    /// Bytes of the stream that are known of.
    pub(in crate::api) total: u64,
    /// Bytes that are not kept.
    pub(in crate::api) cut: u64,
}
