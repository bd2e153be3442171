//! The values that `{{ … }}` and expressions can name: a dotted path is parsed once, when a commit is checked, into what it
//! names ([`Path`]), and looked up in a [`Context`] when a step runs. No text of a value is ever parsed here.

mod parse;
mod path;
mod scope;

pub(crate) use parse::has_state;
pub(crate) use path::listed;
pub use path::{Field, Path, PathError};
pub use scope::{EarlierStep, Lone, Scope};

use crd_schemas::manifest::ParamType;
use pulse_protocol::AgentName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest value that one path may yield, in bytes.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// What an execution knows at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Parameters by name, defaults filled in.
    pub params: BTreeMap<String, String>,
    /// Their types, which decide what they are in an expression; text unless said.
    pub param_types: Arc<BTreeMap<String, ParamType>>,
    /// Steps that have ended, by id.
    pub steps: BTreeMap<String, Arc<StepValue>>,
    /// What `parse` steps have read.
    pub state: StateMap,
    /// The execution itself.
    pub execution: ExecutionValue,
    /// The definitions it is pinned to.
    pub git: GitValue,
    /// The target, where something is rendered for one.
    pub agent: Option<AgentValue>,
}

/// What `parse` steps have read, by name.
pub type StateMap = BTreeMap<String, StateValue>;

/// A value under `state`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StateValue {
    /// Text.
    Text(String),
    /// Values by name, or by agent.
    Map(StateMap),
}

/// The execution as values see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionValue {
    /// Its id.
    pub id: String,
    /// Its number within the workflow.
    pub number: i64,
    /// The workflow's name.
    pub workflow: String,
    /// Who or what started it.
    pub started_by: String,
}

/// The pinned definitions as values see them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GitValue {
    /// The source's name.
    pub source: String,
    /// The commit.
    pub commit: String,
}

/// One target as values see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentValue {
    /// The agent's name.
    pub name: String,
    /// Its labels.
    pub labels: Arc<BTreeMap<String, String>>,
    /// Its declared vars.
    pub vars: BTreeMap<String, String>,
    /// What it last said of itself.
    pub facts: Arc<BTreeMap<String, String>>,
}

/// An ended step as values see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepValue {
    /// How it ended: `succeeded`, `failed`, `skipped`, …
    pub status: String,
    /// The answer of a prompt.
    pub answer: Option<String>,
    /// Its targets.
    pub targets: BTreeMap<AgentName, TargetValue>,
}

/// One target of an ended step as values see it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetValue {
    /// How it ended.
    pub status: String,
    /// The exit code of its last attempt, where the command exited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// What the command wrote to stdout; `None` when nothing was captured or there was more than 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
}

/// Why a path has no value now, as a sentence that says the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` has no value: {reason}")]
pub struct MissingValue {
    /// The path as users write it.
    pub path: String,
    /// Why, and what to do.
    pub reason: String,
}

impl Context {
    /// The value that the path names, as text.
    pub fn lookup(&self, path: &Path) -> Result<String, MissingValue> {
        let missing = |reason: String| MissingValue { path: path.to_string(), reason };
        let value = self.find(path).map_err(missing)?;
        if value.len() > MAX_VALUE_BYTES {
            return Err(missing(format!("it is {} bytes long; at most 64 KiB can be passed on", value.len())));
        }
        if value.contains('\0') {
            return Err(missing("it holds a NUL byte, which no environment variable can".to_owned()));
        }
        Ok(value)
    }

    /// Why the path has no value now; nothing when it has one.
    pub(crate) fn why_missing(&self, path: &Path) -> Option<String> {
        self.find(path).err()
    }

    fn find(&self, path: &Path) -> Result<String, String> {
        match path {
            Path::Param(name) => self.params.get(name).cloned().ok_or_else(|| "this execution has no such parameter".to_owned()),
            Path::Step { id, field } => self.step(id)?.single(id, *field),
            Path::Target { id, agent, field } => {
                let target = self.step(id)?.targets.get(agent);
                target.ok_or_else(|| format!("step `{id}` did not run on `{agent}`"))?.field(*field)
            }
            Path::Answer(id) | Path::PromptResponse(id) => {
                let step = self.step(id)?;
                step.answer.clone().ok_or_else(|| format!("step `{id}` has no answer (it is {})", step.status))
            }
            Path::State(names) => state(&self.state, names),
            Path::ExecutionId => Ok(self.execution.id.clone()),
            Path::ExecutionNumber => Ok(self.execution.number.to_string()),
            Path::ExecutionWorkflow => Ok(self.execution.workflow.clone()),
            Path::ExecutionStartedBy => Ok(self.execution.started_by.clone()),
            Path::GitSource => Ok(self.git.source.clone()),
            Path::GitCommit => Ok(self.git.commit.clone()),
            Path::AgentName => Ok(self.agent()?.name.clone()),
            Path::AgentLabel(key) => self.agent()?.entry("label", key, |agent| &agent.labels),
            Path::AgentVar(key) => self.agent()?.entry("var", key, |agent| &agent.vars),
            Path::AgentFact(key) => self.agent()?.entry("fact", key, |agent| &agent.facts),
        }
    }

    fn step(&self, id: &str) -> Result<&StepValue, String> {
        self.steps.get(id).map(AsRef::as_ref).ok_or_else(|| format!("step `{id}` has not run in this execution"))
    }

    fn agent(&self) -> Result<&AgentValue, String> {
        self.agent.as_ref().ok_or_else(|| "`agent` is known only where a command runs on a target".to_owned())
    }
}

/// The text that names lead to. A name in the map may have dots, as an agent's can; it is then several of those names.
fn state(map: &StateMap, names: &[String]) -> Result<String, String> {
    let found = (1..=names.len()).filter_map(|count| Some((map.get(&names[..count].join("."))?, &names[count..])));
    let texts = found.map(|(value, rest)| match (value, rest) {
        (StateValue::Text(text), []) => Ok(text.clone()),
        (StateValue::Text(_), rest) => Err(format!("it is a text there, which has no `{}`", rest.join("."))),
        (StateValue::Map(inner), []) => Err(format!("it is a map, no text; {}", held(inner))),
        (StateValue::Map(inner), rest) => state(inner, rest),
    });
    let absent = || Err(format!("no `parse` step has read `{}`; {}", names.join("."), held(map)));
    texts.reduce(Result::or).unwrap_or_else(absent)
}

/// The names in a map, as a clause.
fn held(map: &StateMap) -> String {
    match map.len() {
        0 => "nothing is there".to_owned(),
        1 => format!("there is {}", listed(map.keys().map(String::as_str))),
        _ => format!("there are {}", listed(map.keys().map(String::as_str))),
    }
}

impl StepValue {
    /// The field of a step as a whole: its own status, or what its only target has.
    fn single(&self, id: &str, field: Field) -> Result<String, String> {
        if field == Field::Status {
            return Ok(self.status.clone());
        }
        self.only_target(id, field)?.field(field)
    }

    /// The only target of the step `id`; a step with none or several has no `exitCode` or `stdout` of its own.
    pub(crate) fn only_target(&self, id: &str, field: Field) -> Result<&TargetValue, String> {
        let mut targets = self.targets.iter();
        match (targets.next(), targets.next()) {
            (Some((_, target)), None) => Ok(target),
            (None, _) => Err(format!("step `{id}` ran on no target (it is {})", self.status)),
            (Some(_), Some(_)) => {
                let (count, names) = (self.targets.len(), listed(self.targets.keys().take(3).map(AgentName::as_str)));
                Err(format!("step `{id}` ran on {count} targets; ask for the {field} of one under `steps.{id}.agents`: {names}"))
            }
        }
    }
}

impl TargetValue {
    fn field(&self, field: Field) -> Result<String, String> {
        match field {
            Field::Status => Ok(self.status.clone()),
            Field::ExitCode => self.exit_code.map(|code| code.to_string()).ok_or_else(|| self.no_exit_code()),
            Field::Stdout => self.stdout.clone().ok_or_else(|| NO_STDOUT.to_owned()),
        }
    }

    /// Why there is no exit code.
    pub(crate) fn no_exit_code(&self) -> String {
        format!("the command did not exit there (it is {})", self.status)
    }
}

/// Why there is no stdout.
pub(crate) const NO_STDOUT: &str = "no stdout was kept there: the command wrote more than 64 KiB, wrote no UTF-8, or did not run";

impl AgentValue {
    fn entry(&self, what: &str, key: &str, of: fn(&Self) -> &BTreeMap<String, String>) -> Result<String, String> {
        of(self).get(key).cloned().ok_or_else(|| format!("agent `{}` has no {what} `{key}`", self.name))
    }
}

#[cfg(test)]
mod tests;
