//! `kind: Workflow`: concurrency, and what all steps have.

use super::param::Param;
use super::steps::{GOTO, Parse, Route, Wait};
use super::{Execute, Metadata, Prompt, Retention};
use crate::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can be started: parameters, and steps that run in order on agents, ask people, wait, read values and choose where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Workflow {
    /// The workflow's name and labels.
    pub metadata: Metadata,
    /// What it does.
    pub spec: WorkflowSpec,
}

/// What a workflow does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct WorkflowSpec {
    /// One line for people: what it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What whoever starts it may, or must, say. The names differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), extend("x-kubernetes-list-map-keys" = ["name"]))]
    pub params: Vec<Param>,
    /// Whether executions of this workflow exclude each other.
    #[serde(default)]
    pub concurrency: Concurrency,
    /// How long an execution may take in all, from its beginning; waiting for people does not count. Then nothing new starts,
    /// and it ends `failed` once what runs has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = r"^(0*[1-9][0-9]{3,}ms|0*[1-9][0-9]*[smhd])$"))]
    pub timeout: Option<Duration>,
    /// How long its executions are kept, where that is not what the controller is set to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// The steps, run in order unless a `goto` says otherwise. The ids differ.
    #[schemars(length(min = 1, max = 1000), extend("x-kubernetes-list-map-keys" = ["id"]))]
    pub steps: Vec<Step>,
}

/// Whether executions of one workflow exclude each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields, extend("allOf" = [
    {"anyOf": [{"not": {"required": ["key"]}}, {"properties": {"policy": {"enum": ["Forbid", "Queue"]}}}]},
    {"anyOf": [{"not": {"required": ["maxQueued"]}}, {"required": ["policy"], "properties": {"policy": {"const": "Queue"}}}]},
]))]
pub struct Concurrency {
    /// What another start does while one runs.
    #[serde(default)]
    pub policy: ConcurrencyPolicy,
    /// Only executions with the same key exclude each other; may hold `{{ params.x }}`. Beside `Forbid` and `Queue`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"\S"), length(max = 1024))]
    pub key: Option<String>,
    /// For `Queue`: executions that may wait behind the running one, 100 unless said; a further one is refused (409).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub max_queued: Option<u32>,
}

impl Concurrency {
    /// Most characters of `key`.
    pub const MAX_KEY_CHARS: usize = 1024;
    /// The highest `maxQueued`.
    pub const HIGHEST_MAX_QUEUED: u32 = 10_000;
    /// `maxQueued`, unless said.
    pub const DEFAULT_MAX_QUEUED: u32 = 100;
}

/// Rules of concurrency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConcurrencyPolicy {
    /// While one runs, another start is refused (409) and told which one runs.
    #[default]
    Forbid,
    /// Any number side by side.
    Allow,
    /// While one runs, others wait for it, first in, first out.
    Queue,
}

/// One step: what all steps have, and its action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its name within the workflow, by which `goto`, `from` and `steps.<id>` know it; unique.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_-]{0,62}$"), extend("not" = {"const": "end"}))]
    pub id: String,
    /// A title for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An expression, such as `steps.ask.answer == "Yes"`; the step is skipped when it is false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"\S"))]
    pub when: Option<String>,
    /// Go on with the next step also when this one fails; otherwise the execution ends `failed`.
    #[serde(default)]
    pub continue_on_error: bool,
    /// The step that follows this one once it ran, or `end`; the next one unless said. An option or a route that names another
    /// one has the say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = GOTO))]
    pub goto: Option<String>,
    /// What it does, named by `type`.
    #[serde(flatten)]
    pub action: Action,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Action {
    /// Runs a command on targets.
    Execute(Box<Execute>),
    /// Asks a person and waits for the answer.
    Prompt(Prompt),
    /// Waits for a time.
    Wait(Wait),
    /// Reads what a command wrote into `state`.
    Parse(Parse),
    /// Chooses where to go on.
    Route(Route),
}

impl Action {
    /// The word for it in `type`.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Execute(_) => "execute",
            Self::Prompt(_) => "prompt",
            Self::Wait(_) => "wait",
            Self::Parse(_) => "parse",
            Self::Route(_) => "route",
        }
    }
}
