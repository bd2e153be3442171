//! What `GET /api/v1/events` tells.

use super::super::time::At;
use super::{Waits, words};
use pulse_protocol::{ExecutionId, PromptId};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// A message of the live socket: a hint to look. `id` is where the listener has come to, for `?after=`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub(in crate::api) enum LiveMessage {
    /// The first message: it tells from here on.
    Hello {
        /// Its id.
        id: String,
    },
    /// Messages are lost; look at everything, then go on with what follows.
    Resync {
        /// Its id.
        id: String,
    },
    /// An execution changed.
    Execution {
        /// Its id.
        id: String,
        /// Which one.
        execution: ExecutionId,
        /// The source of its workflow.
        source: String,
        /// Its workflow.
        workflow: String,
        /// Its number.
        number: i64,
        /// `workflow#number`.
        name: String,
        /// Sequence of its last event.
        seq: u32,
        /// Where it stands.
        #[schemars(with = "words::ExecutionStatus")]
        status: &'static str,
        /// What it waits for.
        waits: Option<Waits>,
    },
    /// A question is asked, or over.
    Prompt {
        /// Its id.
        id: String,
        /// Which one.
        prompt: PromptId,
        /// The execution that asks.
        execution: ExecutionId,
        /// The source of its workflow.
        source: String,
        /// Its workflow.
        workflow: String,
        /// Its number.
        number: i64,
        /// `workflow#number`.
        name: String,
        /// Where it stands.
        #[schemars(with = "words::PromptStatus")]
        status: &'static str,
    },
    /// A pause is set, or ended by somebody.
    Pause {
        /// Its id.
        id: String,
        /// Which one.
        pause: Uuid,
        /// What it holds, its first 200 characters.
        scope: String,
        /// Which of the two.
        status: PauseNews,
        /// When it ends by itself, which is not told again.
        expires_at: Option<At>,
    },
    /// An agent came, went or was revoked.
    Agent {
        /// Its id.
        id: String,
        /// Which one.
        agent: String,
        /// How it is.
        #[schemars(with = "words::AgentState")]
        state: &'static str,
    },
    /// A sync is recorded.
    Sync {
        /// Its id.
        id: String,
        /// The source.
        source: String,
        /// Which one.
        sync: Uuid,
        /// What came of it.
        #[schemars(with = "words::SyncOutcome")]
        outcome: &'static str,
    },
}

/// What happened to a pause.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::api) enum PauseNews {
    /// It was set.
    Set,
    /// Somebody ended it.
    Ended,
}
