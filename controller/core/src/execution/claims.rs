//! Claims: what an execution holds alone. Each is one row with a unique key, taken and released in the transaction of the event
//! that says so; losing the insert means deciding again.

use crate::definitions::Program;
use crate::execution::{Event, Execution};
use crd_schemas::manifest as crds;
use crds::ConcurrencyPolicy;
use pulse_protocol::AgentName;
use std::fmt;

/// What a claim holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum ClaimKey {
    /// The right to be the only execution of a workflow.
    Workflow { source: String, name: String },

    /// One of an agent's slots.
    Slot { agent: AgentName, slot: u32 },
}

/// Claims that an event takes and releases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimChange {
    /// Taken.
    pub take: Vec<ClaimKey>,
    /// Released.
    pub release: Vec<ClaimKey>,
}

/// What an event does to claims, judged before it is folded.
pub fn claim_change(execution: Option<&Execution>, program: &Program, event: &Event) -> ClaimChange {
    let take = match event {
        Event::Created(created) if program.concurrency == ConcurrencyPolicy::Forbid => {
            vec![ClaimKey::Workflow { source: created.source.clone(), name: created.workflow.clone() }]
        }
        Event::AttemptAssigned { target, slot, .. } => vec![ClaimKey::Slot { agent: target.clone(), slot: *slot }],
        _ => Vec::new(),
    };
    let release = match (event, execution) {
        (Event::Ended { .. }, Some(execution)) => execution.claims.iter().cloned().collect(),
        (Event::AttemptEnded { attempt, .. } | Event::AttemptLost { attempt, .. }, Some(execution)) => {
            let held = execution.attempts.get(attempt).filter(|held| held.state.is_active());
            held.map(|held| ClaimKey::Slot { agent: held.target.clone(), slot: held.slot }).into_iter().collect()
        }
        _ => Vec::new(),
    };
    ClaimChange { take, release }
}

impl fmt::Display for ClaimKey {
    /// The row's key. Names hold neither `/` nor blanks, so keys never collide.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workflow { source, name } => write!(f, "workflow/{source}/{name}"),
            Self::Slot { agent, slot } => write!(f, "slot/{agent}/{slot}"),
        }
    }
}
