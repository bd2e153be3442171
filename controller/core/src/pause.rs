//! The brake: a pause holds workflows, schedules and agents by name or by label. What it holds starts nothing new; what runs goes
//! on.

use crate::selector::Selector;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A pause that somebody set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Its id.
    pub id: String,
    /// What it holds.
    pub scope: PauseScope,
    /// Why, in the words of who set it.
    pub reason: String,
    /// Who set it.
    pub by: String,
    /// When it was set.
    pub since: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// What a pause holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PauseScope {
    /// Everything.
    All,
    /// One workflow.
    Workflow(String),
    /// One schedule: its slots, and the executions that it started.
    Schedule(String),
    /// One agent.
    Agent(String),
    /// Every workflow, schedule and agent whose labels match.
    Labels(Selector),
}

/// A text that names nothing that can be paused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is nothing that can be paused: write `all`, `workflow/NAME`, `schedule/NAME`, `agent/NAME`, or labels such as \
     `team=infra,env!=dev`"
)]
pub struct InvalidPauseScope {
    /// The text as it came, cut to 80 characters.
    pub text: String,
}

impl FromStr for PauseScope {
    type Err = InvalidPauseScope;
    fn from_str(text: &str) -> Result<Self, InvalidPauseScope> {
        let invalid = || InvalidPauseScope { text: text.chars().take(80).collect() };
        let named = |name: &str| if name.is_empty() { Err(invalid()) } else { Ok(name.to_owned()) };
        match text.split_once('/') {
            None if text == "all" => Ok(Self::All),
            Some(("workflow", name)) if !name.contains('=') => named(name).map(Self::Workflow),
            Some(("schedule", name)) if !name.contains('=') => named(name).map(Self::Schedule),
            Some(("agent", name)) if !name.contains('=') => named(name).map(Self::Agent),
            _ => text.parse().map(Self::Labels).map_err(|_| invalid()),
        }
    }
}

impl fmt::Display for PauseScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Workflow(name) => write!(f, "workflow/{name}"),
            Self::Schedule(name) => write!(f, "schedule/{name}"),
            Self::Agent(name) => write!(f, "agent/{name}"),
            Self::Labels(selector) => write!(f, "{selector}"),
        }
    }
}

impl Pause {
    /// It has not ended by itself.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }

    /// Did it hold at this instant? Also asked of one that is over by now.
    pub fn covers(&self, at: Timestamp) -> bool {
        self.since <= at && self.is_active(at)
    }

    /// Does it hold executions of this workflow that this schedule, if one, started?
    pub fn holds_workflow(&self, name: &str, labels: &BTreeMap<String, String>, schedule: Option<&str>) -> bool {
        match &self.scope {
            PauseScope::All => true,
            PauseScope::Workflow(held) => held == name,
            PauseScope::Schedule(held) => schedule == Some(held),
            PauseScope::Agent(_) => false,
            PauseScope::Labels(selector) => selector.matches(labels),
        }
    }

    /// Does it hold the slots of this schedule?
    pub fn holds_schedule(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        match &self.scope {
            PauseScope::All => true,
            PauseScope::Schedule(held) => held == name,
            PauseScope::Workflow(_) | PauseScope::Agent(_) => false,
            PauseScope::Labels(selector) => selector.matches(labels),
        }
    }

    /// Does it hold this agent?
    pub fn holds_agent(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        match &self.scope {
            PauseScope::All => true,
            PauseScope::Agent(held) => held == name,
            PauseScope::Workflow(_) | PauseScope::Schedule(_) => false,
            PauseScope::Labels(selector) => selector.matches(labels),
        }
    }
}
