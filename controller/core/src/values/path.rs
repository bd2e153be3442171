//! Dotted paths: what users write between `{{` and `}}`.

use pulse_protocol::AgentName;
use std::fmt;

/// What a step or one of its targets is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// How it ended.
    Status,
    /// Its exit code.
    ExitCode,
    /// What it wrote to stdout.
    Stdout,
}

impl Field {
    const ALL: [Self; 3] = [Self::Status, Self::ExitCode, Self::Stdout];

    /// The field as users write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::ExitCode => "exitCode",
            Self::Stdout => "stdout",
        }
    }
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == text)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A dotted path, parsed into what it names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// `params.<name>`
    Param(String),
    /// `steps.<id>.<field>`
    Step {
        /// The step.
        id: String,
        /// What of it.
        field: Field,
    },
    /// `steps.<id>.agents.<name>.<field>`
    Target {
        /// The step.
        id: String,
        /// The target.
        agent: AgentName,
        /// What of it.
        field: Field,
    },
    /// `steps.<id>.answer`
    Answer(String),
    /// `promptResponse`: the answer of the one prompt that can have come before.
    PromptResponse(String),
    /// `state.<name>[.<name>…]`
    State(Vec<String>),
    /// `execution.id`
    ExecutionId,
    /// `execution.number`
    ExecutionNumber,
    /// `execution.workflow`
    ExecutionWorkflow,
    /// `execution.startedBy`
    ExecutionStartedBy,
    /// `git.source`
    GitSource,
    /// `git.commit`
    GitCommit,
    /// `agent.name`
    AgentName,
    /// `agent.labels.<key>`; the key may hold dots and slashes.
    AgentLabel(String),
    /// `agent.vars.<key>`
    AgentVar(String),
    /// `agent.facts.<key>`
    AgentFact(String),
}

impl Path {
    /// The step whose stdout the path names.
    pub fn stdout_of(&self) -> Option<&str> {
        match self {
            Self::Step { id, field: Field::Stdout } | Self::Target { id, field: Field::Stdout, .. } => Some(id),
            _ => None,
        }
    }
}

/// Why a text names nothing here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PathError {
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// The path is part of the language, but this release does not have it yet.
    pub unsupported: bool,
}

impl PathError {
    pub(super) fn new(message: impl Into<String>, help: impl Into<Option<String>>) -> Self {
        Self { message: message.into(), help: help.into(), unsupported: false }
    }
    pub(super) fn unsupported(what: &str) -> Self {
        Self { message: format!("`{what}` is not supported by this release"), help: None, unsupported: true }
    }
}

/// `a`, `b` and `c`, each in backticks; at most twelve of them.
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.take(13).map(|name| format!("`{name}`")).collect();
    if names.len() == 13 {
        names[12] = "…".to_owned();
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => String::new(),
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Param(name) => write!(f, "params.{name}"),
            Self::Step { id, field } => write!(f, "steps.{id}.{field}"),
            Self::Target { id, agent, field } => write!(f, "steps.{id}.agents.{agent}.{field}"),
            Self::Answer(id) => write!(f, "steps.{id}.answer"),
            Self::PromptResponse(_) => f.write_str("promptResponse"),
            Self::State(names) => write!(f, "state.{}", names.join(".")),
            Self::ExecutionId => f.write_str("execution.id"),
            Self::ExecutionNumber => f.write_str("execution.number"),
            Self::ExecutionWorkflow => f.write_str("execution.workflow"),
            Self::ExecutionStartedBy => f.write_str("execution.startedBy"),
            Self::GitSource => f.write_str("git.source"),
            Self::GitCommit => f.write_str("git.commit"),
            Self::AgentName => f.write_str("agent.name"),
            Self::AgentLabel(key) => write!(f, "agent.labels.{key}"),
            Self::AgentVar(key) => write!(f, "agent.vars.{key}"),
            Self::AgentFact(key) => write!(f, "agent.facts.{key}"),
        }
    }
}
