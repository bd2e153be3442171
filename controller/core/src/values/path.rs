//! Dotted paths: what users write between `{{` and `}}`.

use super::Scope;
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
    fn parse(text: &str) -> Option<Self> {
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
    fn new(message: String, help: impl Into<Option<String>>) -> Self {
        Self { message, help: help.into(), unsupported: false }
    }
    fn unsupported(what: &str) -> Self {
        Self { message: format!("`{what}` is not supported by this release"), help: None, unsupported: true }
    }
}

/// The roots that a path may begin with.
const ROOTS: [&str; 5] = ["params", "steps", "execution", "git", "agent"];

impl Path {
    /// Parses a dotted path and checks it against what may be named here.
    pub fn parse(text: &str, scope: &Scope) -> Result<Self, PathError> {
        let (root, rest) = text.split_once('.').unwrap_or((text, ""));
        match root {
            "params" => parse_param(rest, scope),
            "steps" => parse_step(rest, scope),
            "execution" => parse_execution(rest),
            "git" => match rest {
                "commit" => Ok(Self::GitCommit),
                "source" => Ok(Self::GitSource),
                _ => Err(no_such("git", rest, "`git.commit` and `git.source`")),
            },
            "agent" => parse_agent(rest, scope),
            "state" | "item" | "promptResponse" => Err(PathError::unsupported(root)),
            _ => Err(unknown_root(text)),
        }
    }

    /// The step whose stdout the path names.
    pub fn stdout_of(&self) -> Option<&str> {
        match self {
            Self::Step { id, field: Field::Stdout } | Self::Target { id, field: Field::Stdout, .. } => Some(id),
            _ => None,
        }
    }
}

fn unknown_root(text: &str) -> PathError {
    let shown: String = text.chars().take(60).collect();
    let help = format!("a path begins with {}", listed(ROOTS.iter().copied()));
    PathError::new(format!("`{shown}` names nothing"), help)
}

fn no_such(root: &str, rest: &str, known: &str) -> PathError {
    if rest.is_empty() {
        return PathError::new(format!("`{root}` alone is no value"), format!("there are {known}"));
    }
    PathError::new(format!("`{root}` has no `{rest}`"), format!("there are {known}"))
}

fn parse_param(name: &str, scope: &Scope) -> Result<Path, PathError> {
    if scope.params.iter().any(|known| known == name) {
        return Ok(Path::Param(name.to_owned()));
    }
    if scope.of_schedule {
        let shown: String = name.chars().take(60).collect();
        let (what, declared) = if name.is_empty() { ("params".to_owned(), "NAME") } else { (format!("params.{shown}"), &*shown) };
        let help = format!(
            "write the value itself, or let the schedule start a Workflow that declares it: `workflow: …` with `params: {{{declared}: …}}`"
        );
        return Err(PathError::new(format!("a schedule's command has no parameters, so `{what}` names nothing"), help));
    }
    if name.is_empty() {
        return Err(PathError::new("`params` alone is no value".to_owned(), "write `params.<name>`".to_owned()));
    }
    Err(unknown_param(name, scope))
}

/// The error about a parameter that the workflow does not declare.
fn unknown_param(name: &str, scope: &Scope) -> PathError {
    let help = match scope.params.is_empty() {
        true => format!("declare it: `params: [{{name: {name}}}]`"),
        false => format!("declare it under `params`, or use {}", listed(scope.params.iter().map(String::as_str))),
    };
    PathError::new(format!("the workflow has no parameter `{name}`"), help)
}

/// The error about a step that is not there or does not come earlier.
fn unknown_step(id: &str, scope: &Scope) -> PathError {
    if scope.of_schedule {
        let help = "put the steps into a Workflow, and let the schedule start it: `workflow: …`".to_owned();
        return PathError::new(format!("a schedule's command is its only step, so `steps.{id}` names nothing"), help);
    }
    let help = match scope.earlier_steps.is_empty() {
        true => "no step comes before this one".to_owned(),
        false => format!("the steps before this one are {}", listed(scope.earlier_steps.iter().map(String::as_str))),
    };
    PathError::new(format!("no earlier step has the id `{id}`"), help)
}

/// The error about something that a step does not have.
fn unknown_field(id: &str, field: &str) -> PathError {
    if field == "answer" {
        return PathError::unsupported(&format!("steps.{id}.answer"));
    }
    no_such(&format!("steps.{id}"), field, "`status`, `exitCode`, `stdout` and `agents`")
}

fn parse_step(rest: &str, scope: &Scope) -> Result<Path, PathError> {
    let (id, rest) = rest.split_once('.').unwrap_or((rest, ""));
    if !scope.earlier_steps.iter().any(|known| known == id) {
        return Err(unknown_step(id, scope));
    }
    if let Some(rest) = rest.strip_prefix("agents.") {
        return parse_target(id, rest);
    }
    match Field::parse(rest) {
        Some(field) => Ok(Path::Step { id: id.to_owned(), field }),
        None if rest == "agents" => Err(PathError::new(
            format!("`steps.{id}.agents` is a map, no text"),
            format!("name an agent and a field: `steps.{id}.agents.<name>.stdout`"),
        )),
        None => Err(unknown_field(id, rest)),
    }
}

/// An agent's name may hold dots, so the field is what stands behind the last one.
fn parse_target(id: &str, rest: &str) -> Result<Path, PathError> {
    let form = format!("write `steps.{id}.agents.<name>.<field>`, the field one of `status`, `exitCode`, `stdout`");
    let Some((name, field)) = rest.rsplit_once('.').and_then(|(name, field)| Some((name, Field::parse(field)?))) else {
        return Err(PathError::new(format!("`steps.{id}.agents.{rest}` names no field of an agent"), form));
    };
    match name.parse::<AgentName>() {
        Ok(agent) => Ok(Path::Target { id: id.to_owned(), agent, field }),
        Err(error) => Err(PathError::new(error.to_string(), form)),
    }
}

fn parse_execution(rest: &str) -> Result<Path, PathError> {
    match rest {
        "id" => Ok(Path::ExecutionId),
        "number" => Ok(Path::ExecutionNumber),
        "workflow" => Ok(Path::ExecutionWorkflow),
        "startedBy" => Ok(Path::ExecutionStartedBy),
        _ => Err(no_such("execution", rest, "`execution.id`, `.number`, `.workflow` and `.startedBy`")),
    }
}

fn parse_agent(rest: &str, scope: &Scope) -> Result<Path, PathError> {
    if !scope.in_target {
        return Err(PathError::new("`agent` is known only where a command runs on a target".to_owned(), None));
    }
    let known = "`agent.name`, `agent.labels.<key>`, `agent.vars.<key>` and `agent.facts.<key>`";
    match rest.split_once('.') {
        None if rest == "name" => Ok(Path::AgentName),
        Some(("labels", key)) if !key.is_empty() => Ok(Path::AgentLabel(key.to_owned())),
        Some(("vars", key)) if !key.is_empty() => Ok(Path::AgentVar(key.to_owned())),
        Some(("facts", key)) if !key.is_empty() => Ok(Path::AgentFact(key.to_owned())),
        _ => Err(no_such("agent", rest, known)),
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
