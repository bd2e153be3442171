//! What decisions see beside the execution: agents, pauses, who runs or waits before it, and when no controller ran.

use super::AgentView;
use crate::elapsed::Span;
use crate::execution::ClaimKey;
use crate::pause::Pause;
use pulse_protocol::{AgentName, ExecutionId};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ahead {
    /// The execution that has the right, or the first one in the queue.
    pub execution: ExecutionId,
    /// Its name, such as `update#812`.
    pub name: String,
    /// It has the right: it has begun and is not over.
    pub begun: bool,
    /// Executions before it in all.
    pub count: u32,
    /// The last one of them, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directly_behind: Option<Neighbour>,
}

/// The execution directly before another one in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Neighbour {
    /// Its id.
    pub execution: ExecutionId,
    /// Its name, such as `update#814`.
    pub name: String,
}

impl fmt::Display for Ahead {
    /// `update#812, which has begun, and 3 more; directly behind update#815`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.begun { "has begun" } else { "is next" };
        write!(f, "{}, which {state}", self.name)?;
        match (&self.directly_behind, self.count) {
            (None, _) => Ok(()),
            (Some(last), 0..=2) => write!(f, ", and {}", last.name),
            (Some(last), count) => write!(f, ", and {} more; directly behind {}", count - 1, last.name),
        }
    }
}

impl World for BTreeMap<AgentName, AgentView> {
    fn agent(&self, name: &AgentName) -> Option<&AgentView> {
        self.get(name)
    }
}
