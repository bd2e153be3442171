//! The brake: a pause holds workflows, schedules and agents by name or by label. What it holds starts nothing new; what runs goes
//! on.

use crate::execution::Summary;
use crate::selector::Selector;
use crate::time::Timestamp;
use pulse_protocol::AgentName;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Most bytes of a scope.
pub const MAX_SCOPE_BYTES: usize = 512;

/// Most pauses that hold at a time: each decision looks at all of them.
pub const MAX_PAUSES: usize = 1000;

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

/// Why a text is no scope, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum InvalidPauseScope {
    /// It names nothing that can be paused. The text is cut to 80 characters.
    #[error(
        "`{text}` is nothing that can be paused: write `all`, `workflow/NAME`, `schedule/NAME`, `agent/NAME`, or labels such as \
         `team=infra,env!=dev`"
    )]
    Form { text: String },
    /// Nothing of this kind can have the name.
    #[error("`{text}` can hold nothing: the name of {kind} has {form}; `pulse get {kinds}` lists those there are")]
    Name { text: String, kind: &'static str, kinds: &'static str, form: &'static str },
    /// It is longer than [`MAX_SCOPE_BYTES`].
    #[error("it has {bytes} bytes, and at most {MAX_SCOPE_BYTES} are allowed: name fewer labels, or set several pauses")]
    TooLong { bytes: usize },
}

impl FromStr for PauseScope {
    type Err = InvalidPauseScope;
    fn from_str(text: &str) -> Result<Self, InvalidPauseScope> {
        if text.len() > MAX_SCOPE_BYTES {
            return Err(InvalidPauseScope::TooLong { bytes: text.len() });
        }
        let shown = || text.chars().take(80).collect();
        let invalid = || InvalidPauseScope::Form { text: shown() };
        let named = |name: &str, fits: bool, [kind, kinds, form]: [&'static str; 3]| match name {
            "" => Err(invalid()),
            name if fits => Ok(name.to_owned()),
            _ => Err(InvalidPauseScope::Name { text: shown(), kind, kinds, form }),
        };
        let of_manifest =
            |name: &str, kind, kinds| named(name, crd_schemas::is_name(name), [kind, kinds, crd_schemas::NAME_FORM]);
        match text.split_once('/') {
            None if text == "all" => Ok(Self::All),
            Some(("workflow", name)) if !name.contains('=') => of_manifest(name, "a workflow", "workflows").map(Self::Workflow),
            Some(("schedule", name)) if !name.contains('=') => of_manifest(name, "a schedule", "schedules").map(Self::Schedule),
            Some(("agent", name)) if !name.contains('=') => {
                named(name, name.parse::<AgentName>().is_ok(), ["an agent", "agents", AgentName::FORM]).map(Self::Agent)
            }
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

    /// Does it hold this agent and nothing else, until somebody ends it?
    pub fn is_cordon_of(&self, name: &AgentName) -> bool {
        self.expires_at.is_none() && matches!(&self.scope, PauseScope::Agent(held) if held == name.as_str())
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

    /// Does it hold the execution of this row?
    pub fn holds_execution(&self, row: &Summary) -> bool {
        self.holds_workflow(&row.workflow, &row.labels, row.schedule.as_deref())
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

#[cfg(test)]
mod tests {
    use super::{InvalidPauseScope, MAX_SCOPE_BYTES, PauseScope};

    fn refused(text: &str) -> InvalidPauseScope {
        text.parse::<PauseScope>().expect_err(text)
    }

    #[test]
    fn a_scope_says_itself() {
        for text in ["all", "workflow/a-1", "schedule/nightly", "agent/web-1.example", "team=infra,env!=dev", "workflow/a=b"] {
            assert_eq!(text.parse::<PauseScope>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn names_are_those_that_manifests_and_agents_can_have() {
        let long = format!("workflow/{}", "a".repeat(64));
        for text in ["workflow/Über all", "workflow/a.b", "schedule/a/b", "schedule/-a", "agent/web_1", "agent/all", &long] {
            let error = refused(text);
            assert!(matches!(error, InvalidPauseScope::Name { .. }), "{text}: {error}");
        }
        assert_eq!(
            refused("workflow/Über all").to_string(),
            "`workflow/Über all` can hold nothing: the name of a workflow has 1 to 63 of a-z, 0-9 and `-`, beginning and ending \
             with a letter or digit; `pulse get workflows` lists those there are"
        );
        assert!(refused("agent/Web").to_string().contains("none of `all`"));
        for text in ["", "workflow/", "group/web", "nothing", "a=b,"] {
            assert!(matches!(refused(text), InvalidPauseScope::Form { .. }), "{text}");
        }
    }

    #[test]
    fn a_scope_has_an_end() {
        let longest = format!("{}={},a=bc", "k".repeat(253), "v".repeat(253));
        assert!(longest.len() == MAX_SCOPE_BYTES && longest.parse::<PauseScope>().is_ok());
        let error = refused(&format!("{longest}d")).to_string();
        assert!(error.contains("513 bytes") && error.contains("at most 512"), "{error}");
    }
}
