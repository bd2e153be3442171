//! A dotted path is read, and checked against what may be named at its place.

use super::path::{Field, PathError, listed};
use super::{EarlierStep, Lone, Path, Scope};
use pulse_protocol::AgentName;

/// The roots that a path may begin with.
const ROOTS: [&str; 7] = ["params", "steps", "state", "promptResponse", "execution", "git", "agent"];

impl Path {
    /// Parses a dotted path and checks it against what may be named here.
    pub fn parse(text: &str, scope: &Scope) -> Result<Self, PathError> {
        let (root, rest) = text.split_once('.').unwrap_or((text, ""));
        if scope.before_start && root != "params" && ROOTS.contains(&root) {
            let help = "write `params.<name>`".to_owned();
            return Err(PathError::new(
                format!("`{root}` is not known here: this is settled when the execution is accepted"),
                help,
            ));
        }
        match root {
            "params" => parse_param(rest, scope),
            "steps" => parse_step(rest, scope),
            "state" => parse_state(rest, scope),
            "promptResponse" => parse_prompt_response(rest, scope),
            "execution" => parse_execution(rest),
            "git" => match rest {
                "commit" => Ok(Self::GitCommit),
                "source" => Ok(Self::GitSource),
                _ => Err(no_such("git", rest, "`git.commit` and `git.source`")),
            },
            "agent" => parse_agent(rest, scope),
            "item" => Err(PathError::unsupported(root)),
            _ => Err(unknown_root(text)),
        }
    }
}

fn unknown_root(text: &str) -> PathError {
    let help = format!("a path begins with {}", listed(ROOTS.iter().copied()));
    PathError::new(format!("`{}` names nothing", shown(text)), help)
}

fn no_such(root: &str, rest: &str, known: &str) -> PathError {
    if rest.is_empty() {
        return PathError::new(format!("`{root}` alone is no value"), format!("there are {known}"));
    }
    PathError::new(format!("`{root}` has no `{}`", shown(rest)), format!("there are {known}"))
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

fn parse_param(name: &str, scope: &Scope) -> Result<Path, PathError> {
    if scope.params.iter().any(|known| known == name) {
        return Ok(Path::Param(name.to_owned()));
    }
    if let Some(lone) = scope.lone {
        return Err(no_parameters(name, lone));
    }
    if name.is_empty() {
        return Err(PathError::new("`params` alone is no value", "write `params.<name>`".to_owned()));
    }
    Err(unknown_param(name, scope))
}

/// The error about a parameter of a command that stands alone.
fn no_parameters(name: &str, lone: Lone) -> PathError {
    let shown = shown(name);
    let (what, declared) = if name.is_empty() { ("params".to_owned(), "NAME") } else { (format!("params.{shown}"), &*shown) };
    let elsewhere = match lone {
        Lone::Schedule => {
            format!("let the schedule start a Workflow that declares it: `workflow: …` with `params: {{{declared}: …}}`")
        }
        Lone::Request => format!("make it a step of a Workflow that declares it: `params: [{{name: {declared}}}]`"),
    };
    let help = format!("write the value itself, or {elsewhere}");
    PathError::new(format!("{} has no parameters, so `{what}` names nothing", lone.label()), help)
}

/// The error about a parameter that the workflow does not declare.
fn unknown_param(name: &str, scope: &Scope) -> PathError {
    if let Some((known, rest)) = name.split_once('.').filter(|(first, _)| scope.params.iter().any(|param| param == first)) {
        return PathError::new(format!("`params.{known}` has no `{}`", shown(rest)), format!("write `params.{known}`"));
    }
    let help = match scope.params.is_empty() {
        true => format!("declare it: `params: [{{name: {name}}}]`"),
        false => format!("declare it under `params`, or use {}", listed(scope.params.iter().map(String::as_str))),
    };
    PathError::new(format!("the workflow has no parameter `{name}`"), help)
}

/// The error about a step that is not there or cannot have ended before.
fn unknown_step(id: &str, scope: &Scope) -> PathError {
    if let Some(alone) = scope.lone {
        return lone(&format!("steps.{id}"), alone);
    }
    if id.is_empty() {
        return PathError::new("`steps` alone is no value", "write `steps.<id>.status`".to_owned());
    }
    let help = match scope.earlier_steps.is_empty() {
        true => "no step comes before this one".to_owned(),
        false => {
            format!("the steps that can come before this one are {}", listed(scope.earlier_steps.iter().map(|step| &*step.id)))
        }
    };
    PathError::new(format!("no earlier step has the id `{id}`"), help)
}

/// The error about something that only steps before can have made.
fn lone(what: &str, alone: Lone) -> PathError {
    let help = match alone {
        Lone::Schedule => "put the steps into a Workflow, and let the schedule start it: `workflow: …`",
        Lone::Request => "put the steps into a Workflow",
    };
    PathError::new(format!("{} is its only step, so `{what}` names nothing", alone.label()), help.to_owned())
}

fn parse_step(rest: &str, scope: &Scope) -> Result<Path, PathError> {
    let (id, rest) = rest.split_once('.').unwrap_or((rest, ""));
    let step = scope.step(id).ok_or_else(|| unknown_step(id, scope))?;
    match (step.kind, rest) {
        (_, "status") => Ok(Path::Step { id: id.to_owned(), field: Field::Status }),
        ("prompt", "answer") => Ok(Path::Answer(id.to_owned())),
        ("execute", _) => parse_command(id, rest, scope),
        _ => Err(not_of_its_type(step, rest, scope)),
    }
}

/// What only an `execute` step has.
fn parse_command(id: &str, rest: &str, scope: &Scope) -> Result<Path, PathError> {
    if let Some(rest) = rest.strip_prefix("agents.") {
        return parse_target(id, rest);
    }
    match Field::parse(rest) {
        Some(field) => Ok(Path::Step { id: id.to_owned(), field }),
        None if rest == "agents" => Err(PathError::new(
            format!("`steps.{id}.agents` is a map, no text"),
            format!("name an agent and a field: `steps.{id}.agents.<name>.stdout`"),
        )),
        None if rest == "answer" => Err(no_answer(id, "execute", scope)),
        None => Err(no_such(&format!("steps.{id}"), rest, "`status`, `exitCode`, `stdout` and `agents`")),
    }
}

/// The error about something that steps of another type have.
fn not_of_its_type(step: &EarlierStep, rest: &str, scope: &Scope) -> PathError {
    let EarlierStep { id, kind } = step;
    let field = rest.split('.').next().unwrap_or_default();
    match field {
        "answer" => no_answer(id, kind, scope),
        "exitCode" | "stdout" | "agents" => {
            let has = if *kind == "prompt" { "`status` and `answer`" } else { "`status`" };
            let message = format!("`{id}` is a step of the type `{kind}`, which runs no command and has no `{field}`");
            PathError::new(message, format!("it has {has}; only an `execute` step has `{field}`"))
        }
        _ if *kind == "prompt" => no_such(&format!("steps.{id}"), rest, "`status` and `answer`"),
        _ if rest.is_empty() => {
            PathError::new(format!("`steps.{id}` alone is no value"), format!("there is `steps.{id}.status`"))
        }
        _ => PathError::new(format!("`steps.{id}` has no `{}`", shown(rest)), format!("there is `steps.{id}.status`")),
    }
}

fn no_answer(id: &str, kind: &str, scope: &Scope) -> PathError {
    let help = match answers(scope) {
        Some(answers) => format!("only a `prompt` step has one: {answers}"),
        None => "only a `prompt` step has one, and none can come before this place".to_owned(),
    };
    PathError::new(format!("`{id}` is a step of the type `{kind}`, which has no `answer`"), help)
}

/// The answers that can be there, as paths.
fn answers(scope: &Scope) -> Option<String> {
    let answers: Vec<String> = scope.of_kind("prompt").map(|id| format!("steps.{id}.answer")).collect();
    (!answers.is_empty()).then(|| listed(answers.iter().map(String::as_str)))
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

/// Whether `state` can hold anything here.
pub(crate) fn has_state(scope: &Scope) -> Result<(), PathError> {
    match scope.of_kind("parse").next() {
        Some(_) => Ok(()),
        None if let Some(alone) = scope.lone => Err(lone("state", alone)),
        None => {
            let help = "let a `parse` step read the stdout of an `execute` step before this one".to_owned();
            Err(PathError::new("`state` holds nothing here: no `parse` step can come before this place", help))
        }
    }
}

fn parse_state(rest: &str, scope: &Scope) -> Result<Path, PathError> {
    has_state(scope)?;
    let names: Vec<String> = rest.split('.').map(str::to_owned).collect();
    if rest.is_empty() {
        return Err(PathError::new("`state` alone is a map, no text", "name a value in it: `state.<name>`".to_owned()));
    }
    if names.iter().any(String::is_empty) {
        return Err(PathError::new(
            format!("`state.{}` has an empty name in it", shown(rest)),
            "write `state.<name>`".to_owned(),
        ));
    }
    Ok(Path::State(names))
}

fn parse_prompt_response(rest: &str, scope: &Scope) -> Result<Path, PathError> {
    if !rest.is_empty() {
        let help = "write `promptResponse`".to_owned();
        return Err(PathError::new(format!("`promptResponse` is a text and has no `{}`", shown(rest)), help));
    }
    let mut prompts = scope.of_kind("prompt");
    match (prompts.next(), prompts.next()) {
        (Some(only), None) => Ok(Path::PromptResponse(only.to_owned())),
        (Some(_), Some(_)) => {
            let help = format!("say which: {}", answers(scope).unwrap_or_default());
            Err(PathError::new("`promptResponse` could be the answer of several prompts", help))
        }
        (None, _) if let Some(alone) = scope.lone => Err(lone("promptResponse", alone)),
        (None, _) => {
            let help = "let a `prompt` step ask before this one".to_owned();
            Err(PathError::new("`promptResponse` is no one's answer here: no `prompt` step can come before this place", help))
        }
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
        return Err(PathError::new("`agent` is known only where a command runs on a target", None));
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
