//! The typed manifests. Their serde form (JSON, camelCase) is what the store keeps and the API shows; their JSON Schema is
//! what editors use. Reading YAML is [`crate`]'s decoder, which finds every problem at once where serde stops at the first.

mod access;
mod agent;
mod execute;
pub mod files;
mod param;
pub(crate) mod param_rules;
pub mod prompt;
mod retention;
mod schedule;
pub mod steps;
mod targets;
mod workflow;

pub(crate) use access::SUBJECT;
pub use access::{AccessPolicy, AccessPolicySpec, Effect, Verb};
pub use agent::{Agent, AgentGroup, AgentGroupSpec, AgentSpec};
pub use execute::{Execute, NamedShell, OnOffline, OnUnknown, Retry, Shell};
pub use files::{Run, Script, StepFile};
pub use param::{Param, ParamType};
pub use prompt::{OnTimeout, Prompt, PromptOption};
pub use retention::Retention;
pub use schedule::{CatchUp, Rhythm, Schedule, SchedulePolicy, ScheduleSpec, ScheduledAction, ScheduledWorkflow};
pub use steps::{Parse, ParseFormat, Route, RouteCase, Wait};
pub use targets::{TargetResult, Targets, TargetsFrom};
pub use workflow::{Action, Concurrency, ConcurrencyPolicy, Step, Workflow, WorkflowSpec};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The only `apiVersion`.
pub const API_VERSION: &str = "pulse.dev/v1";

/// Name, labels and annotations of any manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Metadata {
    /// Its name, unique among its kind within a source: 1 to 63 of a-z, 0-9 and `-`, beginning and ending with a letter or digit.
    #[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))]
    pub name: String,
    /// Labels, by which selectors, pauses, policies and lists find it, such as `{team: infra}`. Those below `self/` are what an agent says of itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(
        extend("propertyNames" = {"pattern": "^(?!self/)[A-Za-z0-9]([A-Za-z0-9._/-]{0,251}[A-Za-z0-9])?$"}),
        extend("additionalProperties" = {"type": "string", "pattern": "^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$"})
    )]
    pub labels: BTreeMap<String, String>,
    /// Free text for tools and people; PULSE keeps it and reads nothing out of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// The kinds that this release understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// Parameters and steps.
    Workflow,
    /// When a workflow or a command starts by itself.
    Schedule,
    /// Labels, vars and slots of one agent.
    Agent,
    /// A named set of agents.
    AgentGroup,
    /// Who may do what.
    AccessPolicy,
}

impl Kind {
    /// Every kind, in the order in which people read them.
    pub const ALL: [Self; 5] = [Self::Workflow, Self::Schedule, Self::Agent, Self::AgentGroup, Self::AccessPolicy];

    /// The kind as manifests write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workflow => "Workflow",
            Self::Schedule => "Schedule",
            Self::Agent => "Agent",
            Self::AgentGroup => "AgentGroup",
            Self::AccessPolicy => "AccessPolicy",
        }
    }
}

impl Kind {
    /// Can `targets` name one, so that it may not be called `all`?
    pub const fn is_targeted(self) -> bool {
        matches!(self, Self::Agent | Self::AgentGroup)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One manifest of any kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Manifest {
    /// See [`Workflow`].
    Workflow(Workflow),
    /// See [`Schedule`].
    Schedule(Schedule),
    /// See [`Agent`].
    Agent(Agent),
    /// See [`AgentGroup`].
    AgentGroup(AgentGroup),
    /// See [`AccessPolicy`].
    AccessPolicy(AccessPolicy),
}

impl Manifest {
    /// Which kind it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Workflow(_) => Kind::Workflow,
            Self::Schedule(_) => Kind::Schedule,
            Self::Agent(_) => Kind::Agent,
            Self::AgentGroup(_) => Kind::AgentGroup,
            Self::AccessPolicy(_) => Kind::AccessPolicy,
        }
    }
    /// Its metadata.
    pub const fn metadata(&self) -> &Metadata {
        match self {
            Self::Workflow(manifest) => &manifest.metadata,
            Self::Schedule(manifest) => &manifest.metadata,
            Self::Agent(manifest) => &manifest.metadata,
            Self::AgentGroup(manifest) => &manifest.metadata,
            Self::AccessPolicy(manifest) => &manifest.metadata,
        }
    }
}
