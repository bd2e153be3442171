//! What there is to tell: ids and summaries, never output and never what people wrote.

use pulse_core::Timestamp;
use pulse_core::access::Object;
use pulse_core::execution::{Execution, PromptStatus};
use pulse_core::transition::WaitReason;
use pulse_protocol::{ExecutionId, PromptId};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Something changed: a hint to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An execution.
    Execution {
        /// Which one.
        execution: ExecutionId,
        /// The source of its workflow.
        source: String,
        /// Its workflow.
        workflow: String,
        /// Its number.
        number: i64,
        /// Sequence of its last event.
        seq: u32,
        /// The word for its state.
        status: &'static str,
        /// What it waits for.
        waits: Option<Waits>,
        /// Its workflow's labels, for those who judge who may hear of it.
        labels: BTreeMap<String, String>,
    },
    /// A question to people: it is asked, or over.
    Prompt {
        /// Which one.
        prompt: PromptId,
        /// Whose.
        execution: ExecutionId,
        /// The source of its workflow.
        source: String,
        /// Its workflow.
        workflow: String,
        /// Its number.
        number: i64,
        /// Where it stands.
        status: PromptStatus,
        /// Its workflow's labels, for those who judge who may hear of it.
        labels: BTreeMap<String, String>,
    },
    /// A pause: it is set, or ended.
    Pause {
        /// Which one.
        pause: Uuid,
        /// What it holds, cut to 200 characters.
        scope: String,
        /// Somebody ended it. Its end by itself is not told; `expires_at` says when.
        ended: bool,
        /// When it ends by itself.
        expires_at: Option<Timestamp>,
    },
    /// An agent came, went or was revoked.
    Agent {
        /// Which one.
        agent: String,
        /// The word for its state.
        state: &'static str,
    },
    /// A source was looked at, and something new is to be said of it.
    Sync {
        /// Which source.
        source: String,
        /// The finished sync.
        sync: Uuid,
        /// What came of it.
        outcome: &'static str,
    },
}

/// What an execution waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// For what.
    pub reason: WaitReason,
    /// Since when.
    pub since: Timestamp,
}

impl Notice {
    /// That an execution changed.
    pub fn of_execution(execution: &Execution) -> Self {
        let created = &execution.created;
        Self::Execution {
            execution: execution.id(),
            source: created.source.clone(),
            workflow: created.workflow.clone(),
            number: created.number,
            seq: execution.seq,
            status: execution.status.as_str(),
            waits: execution.waits.map(|(since, reason)| Waits { reason, since }),
            labels: execution.program.labels.clone(),
        }
    }

    /// That a prompt of an execution is asked, or over.
    pub fn of_prompt(execution: &Execution, prompt: PromptId, status: PromptStatus) -> Self {
        let created = &execution.created;
        Self::Prompt {
            prompt,
            execution: execution.id(),
            source: created.source.clone(),
            workflow: created.workflow.clone(),
            number: created.number,
            status,
            labels: execution.program.labels.clone(),
        }
    }

    /// What it is about, as rules see it.
    pub fn object(&self) -> Object<'_> {
        match self {
            Self::Execution { source, workflow, labels, .. } | Self::Prompt { source, workflow, labels, .. } => {
                Object::Workflow { source, name: workflow, labels }
            }
            Self::Pause { .. } | Self::Agent { .. } | Self::Sync { .. } => Object::Pulse,
        }
    }

    /// The workflow that it is about; none for what is about no single one.
    pub fn workflow(&self) -> Option<&str> {
        match self {
            Self::Execution { workflow, .. } | Self::Prompt { workflow, .. } => Some(workflow),
            Self::Pause { .. } | Self::Agent { .. } | Self::Sync { .. } => None,
        }
    }
}
