//! Claims: what an execution holds alone. Each is one row with a unique key, taken and released in the transaction of the event
//! that says so; losing the insert means deciding again.

use crate::definitions::Program;
use crate::execution::{Created, Event, Execution};
use crd_schemas::manifest as crds;
use crds::ConcurrencyPolicy;
use pulse_protocol::AgentName;
use sha2::{Digest, Sha256};
use std::fmt;

/// What a claim holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum ClaimKey {
    /// The right to be the only execution of a workflow, or of those with the same concurrency key.
    Workflow { source: String, name: String, key: Option<String> },
    /// One of the places in the queue for that right.
    Place { source: String, name: String, key: Option<String>, place: u32 },
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
        Event::Created(created) => match program.concurrency {
            ConcurrencyPolicy::Allow => Vec::new(),
            ConcurrencyPolicy::Forbid => vec![ClaimKey::workflow(created)],
            ConcurrencyPolicy::Queue => ClaimKey::place(created).into_iter().collect(),
        },
        Event::Started => execution
            .filter(|_| program.concurrency == ConcurrencyPolicy::Queue)
            .map(|execution| ClaimKey::workflow(&execution.created))
            .into_iter()
            .collect(),
        Event::AttemptAssigned { target, slot, .. } => vec![ClaimKey::Slot { agent: target.clone(), slot: *slot }],
        _ => Vec::new(),
    };
    let release = match (event, execution) {
        (Event::Ended { .. }, Some(execution)) => execution.claims.iter().cloned().collect(),
        (Event::Started, Some(execution)) => ClaimKey::place(&execution.created).into_iter().collect(),
        (Event::AttemptEnded { attempt, .. } | Event::AttemptLost { attempt, .. }, Some(execution)) => {
            let held = execution.attempts.get(attempt).filter(|held| held.state.is_active());
            held.map(|held| ClaimKey::Slot { agent: held.target.clone(), slot: held.slot }).into_iter().collect()
        }
        _ => Vec::new(),
    };
    ClaimChange { take, release }
}

impl ClaimKey {
    /// The right that an execution of a workflow with `Forbid` or `Queue` needs to run.
    pub fn workflow(created: &Created) -> Self {
        let (source, name, key) = (created.source.clone(), created.workflow.clone(), created.concurrency_key.clone());
        Self::Workflow { source, name, key }
    }

    /// The place in the queue that an execution has.
    pub fn place(created: &Created) -> Option<Self> {
        let (source, name, key) = (created.source.clone(), created.workflow.clone(), created.concurrency_key.clone());
        Some(Self::Place { source, name, key, place: created.queue_place? })
    }
}

/// A key's value in as many characters as a row's key has room for: values differ in length and hold anything.
fn digest(key: &str) -> String {
    Sha256::digest(key.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for ClaimKey {
    /// The row's key. Names hold neither `/` nor blanks, so keys never collide.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workflow { source, name, key: None } => write!(f, "workflow/{source}/{name}"),
            Self::Workflow { source, name, key: Some(key) } => write!(f, "workflow/{source}/{name}/{}", digest(key)),
            Self::Place { source, name, key: None, place } => write!(f, "queue/{source}/{name}/{place}"),
            Self::Place { source, name, key: Some(key), place } => write!(f, "queue/{source}/{name}/{}/{place}", digest(key)),
            Self::Slot { agent, slot } => write!(f, "slot/{agent}/{slot}"),
        }
    }
}
