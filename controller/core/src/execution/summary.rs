//! The row per execution that lists are made of; written in the same transaction as the events.

use crate::execution::Execution;
use crate::time::Timestamp;
use crate::transition::{ExecutionState, WaitReason};
use pulse_protocol::ExecutionId;
use std::collections::BTreeMap;

/// What lists show of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its id.
    pub id: ExecutionId,
    /// Source of its workflow.
    pub source: String,
    /// Its workflow.
    pub workflow: String,
    /// Its number within the workflow.
    pub number: i64,
    /// The word for its state.
    pub status: &'static str,
    /// What it waits for, while it is `waiting`.
    pub waits: Option<WaitReason>,
    /// It is over.
    pub terminal: bool,
    /// Commit it is pinned to.
    pub commit: String,
    /// Digest of the pinned snapshot.
    pub snapshot: String,
    /// Who started it.
    pub started_by: String,
    /// The schedule that started it.
    pub schedule: Option<String>,
    /// The execution that it repeats.
    pub retry_of: Option<ExecutionId>,
    /// Its workflow's labels, as they were when it started.
    pub labels: BTreeMap<String, String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Sequence of the last event.
    pub seq: u32,
    /// When to look at it again.
    pub wake_at: Option<Timestamp>,
    /// What to say of it in one line.
    pub message: Option<String>,
}

impl Execution {
    /// The row for its present state.
    pub fn summary(&self, wake_at: Option<Timestamp>) -> Summary {
        Summary {
            id: self.id(),
            source: self.created.source.clone(),
            workflow: self.created.workflow.clone(),
            number: self.created.number,
            status: self.status.as_str(),
            waits: match self.status {
                ExecutionState::Waiting(reason) => Some(reason),
                _ => None,
            },
            terminal: self.status.is_terminal(),
            commit: self.created.commit.clone(),
            snapshot: self.created.snapshot.clone(),
            started_by: self.created.trigger.by.clone(),
            schedule: self.created.trigger.schedule().map(str::to_owned),
            retry_of: self.created.retry_of,
            labels: self.program.labels.clone(),
            created_at: self.created_at,
            started_at: self.started_at,
            ended_at: self.ended_at,
            seq: self.seq,
            wake_at,
            message: self.message.clone(),
        }
    }
}
