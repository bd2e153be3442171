//! What is known and shown of an agent.

use crate::pause::Pause;
use crate::time::Timestamp;
use pulse_protocol::message::Vitals;
use pulse_protocol::{AgentName, AttemptId, BootId, ExecutionId};
use std::collections::BTreeMap;

/// What the database keeps of an agent.
#[derive(Debug, Clone, Default)]
pub struct Enrolled {
    /// Labels its token gave it.
    pub token_labels: BTreeMap<String, String>,
    /// What it says of itself.
    pub self_labels: BTreeMap<String, String>,
    /// Facts.
    pub facts: BTreeMap<String, String>,
    /// Slots it says it has.
    pub slots: u32,
    /// Its release.
    pub release: String,
    /// The boot of its host in its last session.
    pub boot: Option<BootId>,
    /// When it enrolled.
    pub enrolled_at: Timestamp,
}

/// What an `Agent` manifest declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Values for `{{ agent.vars.… }}`.
    pub vars: BTreeMap<String, String>,
    /// Slots.
    pub slots: Option<u32>,
}

/// How many agents there are, of which state, and what they do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// How many are in each state.
    pub agents: BTreeMap<AgentState, u64>,
    /// Slots of those that are online.
    pub slots: u64,
    /// How many of these are taken.
    pub slots_taken: u64,
    /// Attempts that may be running, or of which nobody knows, on all of them.
    pub attempts: usize,
}

/// An agent's state, as people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentState {
    /// Heartbeats arrive.
    Online,
    /// None for 15 s.
    Stale,
    /// None for 30 s.
    Offline,
    /// It gets no work.
    Quarantined,
    /// It must not come back.
    Revoked,
}

impl AgentState {
    /// Each of them.
    pub const ALL: [Self; 5] = [Self::Online, Self::Stale, Self::Offline, Self::Quarantined, Self::Revoked];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Stale => "stale",
            Self::Offline => "offline",
            Self::Quarantined => "quarantined",
            Self::Revoked => "revoked",
        }
    }
}

impl AgentStatus {
    /// It is cordoned, and nothing of which it might still be running is left.
    pub fn is_drained(&self) -> bool {
        self.cordon.is_some() && self.open.is_empty()
    }
}

/// Everything people are shown of an agent.
#[derive(Debug, Clone)]
pub struct AgentStatus {
    /// Its name.
    pub name: AgentName,
    /// Its state.
    pub state: AgentState,
    /// Why it is quarantined.
    pub reason: Option<String>,
    /// The pause that holds this agent alone, if one does: it is cordoned.
    pub cordon: Option<Pause>,
    /// Labels, those it gives itself under `self/`.
    pub labels: BTreeMap<String, String>,
    /// Declared vars.
    pub vars: BTreeMap<String, String>,
    /// Facts.
    pub facts: BTreeMap<String, String>,
    /// Its release.
    pub release: String,
    /// Slots.
    pub slots: u32,
    /// Slots that are taken.
    pub slots_taken: u32,
    /// Attempts that are not over.
    pub open: Vec<(AttemptId, ExecutionId)>,
    /// Load, memory.
    pub vitals: Vitals,
    /// Last word of it.
    pub last_seen: Timestamp,
    /// When it enrolled.
    pub enrolled_at: Timestamp,
}
