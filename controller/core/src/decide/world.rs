//! What decisions see beside the execution: agents, pauses, who runs or waits before it, and when no controller ran.

use super::AgentView;
use crate::elapsed::Span;
use crate::execution::ClaimKey;
use crate::pause::Pause;
use pulse_protocol::{AgentName, ExecutionId};
use serde::Serialize;
use std::collections::BTreeMap;

/// The world at this moment.
pub trait World {
    /// One agent; `None` if it never enrolled.
    fn agent(&self, name: &AgentName) -> Option<&AgentView>;

    /// Pauses, those that have ended by themselves included.
    fn pauses(&self) -> &[Pause] {
        &[]
    }

    /// The time in which no controller ran.
    fn absences(&self) -> &[Span] {
        &[]
    }

    /// What comes before an execution that waits in the queue for this right; `None` if it is its turn.
    fn ahead(&self, right: &ClaimKey, execution: ExecutionId) -> Option<Ahead> {
        let _ = (right, execution);
        None
    }
}

/// What comes before an execution in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ahead {
    /// The execution that runs, or the next one in the queue.
    pub execution: ExecutionId,
    /// Its name, such as `update#812`.
    pub name: String,
    /// Executions before it in all.
    pub count: u32,
}

impl World for BTreeMap<AgentName, AgentView> {
    fn agent(&self, name: &AgentName) -> Option<&AgentView> {
        self.get(name)
    }
}
