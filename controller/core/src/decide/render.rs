//! Renders what an agent shall run, and what it shall know of an execution's attempts at any moment.

use super::{View, World};
use crate::definitions::{CompiledExecute, CompiledRun, Program};
use crate::execution::{CancelMode, Execution, StepRun, context};
use crate::template::Template;
use crate::time::Timestamp;
use crate::transition::AttemptState;
use crate::values::{Context, MissingValue};
use crd_schemas::manifest::Execute;
use pulse_protocol::{AgentName, Assignment, AttemptId, CommandSpec, Desired, ScriptFile, WorkFile};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All values of a command together, bytes.
const MAX_TOTAL_BYTES: usize = 512 * 1024;

/// The longest argument or variable, bytes: Linux takes 128 KiB in one string, its name, `=` and NUL included.
const MAX_STRING_BYTES: usize = 127 * 1024;

/// The trace that a command's own spans may join, as W3C writes it; there only where the execution belongs to one.
const TRACEPARENT: &str = "TRACEPARENT";

/// The command of a step for the target whose values are in `values.agent`.
pub fn render(execution: &Execution, run: &StepRun, attempt: AttemptId, values: &Context) -> Result<CommandSpec, MissingValue> {
    let step = execution.compiled(run);
    let no_command = || MissingValue { path: run.path.to_string(), reason: "the step runs no command".into() };
    let (compiled, spec) = step.command().zip(step.execute()).ok_or_else(no_command)?;
    let agent = values.agent.as_ref().map_or("", |agent| agent.name.as_str());
    let mut env = BTreeMap::new();
    for (name, template) in &compiled.env {
        env.insert(name.clone(), bounded(name, template.render(values)?)?);
    }
    let how = how(&execution.program, compiled, values)?;
    env.extend(how.env);
    for (name, value) in &values.params {
        env.insert(format!("PULSE_PARAM_{}", name.to_ascii_uppercase()), value.clone());
    }
    let args = how.script_file.iter().flat_map(|script| &script.args);
    let bytes: usize = env.values().chain(args).map(String::len).sum();
    if bytes > MAX_TOTAL_BYTES {
        let reason = format!("parameters and other values are {bytes} bytes together; at most 512 KiB can be passed on");
        return Err(MissingValue { path: "params".into(), reason });
    }
    let key = format!("{}/{}/{}/{agent}", execution.id(), run.path, run.visit);
    let own = [
        ("PULSE_EXECUTION", execution.id().to_string()),
        ("PULSE_STEP", run.path.to_string()),
        ("PULSE_ATTEMPT", attempt.to_string()),
        ("PULSE_IDEMPOTENCY_KEY", key),
        ("PULSE_AGENT", agent.to_owned()),
        ("PULSE_COMMIT", execution.created.commit.clone()),
    ];
    env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    if let Some(trace) = &execution.created.trace {
        // What the step itself declares stands.
        env.entry(TRACEPARENT.to_owned()).or_insert_with(|| trace.of_attempt(attempt));
    }
    Ok(CommandSpec {
        argv: how.argv,
        script: how.text,
        script_file: how.script_file,
        files: work_files(&execution.program, compiled, spec)?,
        env,
        cwd: spec.cwd.clone(),
        user: spec.user.clone(),
        timeout_ms: spec.timeout.as_millis(),
        kill_grace_ms: spec.kill_grace.as_millis(),
        capture_stdout: compiled.capture_stdout,
    })
}

/// What is executed: a text with the variables that it refers to, or a file with its arguments.
struct How {
    argv: Vec<String>,
    text: String,
    script_file: Option<ScriptFile>,
    env: BTreeMap<String, String>,
}

fn how(program: &Program, compiled: &CompiledExecute, values: &Context) -> Result<How, MissingValue> {
    let argv = program.argv(compiled);
    match &compiled.run {
        CompiledRun::Command(template) => {
            Ok(How { argv, text: template.text.clone(), script_file: None, env: template.environment(values)? })
        }
        CompiledRun::Script { file, args } => {
            let arg = |(index, arg): (usize, &Template)| bounded(&format!("script.args[{index}]"), arg.render(values)?);
            let args = args.iter().enumerate().map(arg).collect::<Result<_, _>>()?;
            let script_file = Some(ScriptFile { path: file.clone(), args });
            Ok(How { argv, text: String::new(), script_file, env: BTreeMap::new() })
        }
    }
}

fn bounded(what: &str, value: String) -> Result<String, MissingValue> {
    if value.len() <= MAX_STRING_BYTES {
        return Ok(value);
    }
    let reason = format!("it would be {} bytes long; one argument or variable can have at most 127 KiB", value.len());
    Err(MissingValue { path: what.to_owned(), reason })
}

/// The files for the work folder, the script first. Their contents are shared, not copied.
fn work_files(program: &Program, compiled: &CompiledExecute, spec: &Execute) -> Result<Vec<WorkFile>, MissingValue> {
    let script = match &compiled.run {
        CompiledRun::Command(_) => None,
        CompiledRun::Script { file, .. } => Some((file, file)),
    };
    let files = spec.files.iter().map(|file| (&file.from, &file.to));
    let work_file = |(from, to): (&String, &String)| {
        let missing = || MissingValue { path: from.clone(), reason: "the execution was pinned without this file".into() };
        let pinned = program.files.get(from).ok_or_else(missing)?;
        // A script that names its own program is executed, whatever its mode in the commit.
        let executable = pinned.executable || (script == Some((from, to)) && pinned.has_shebang());
        Ok(WorkFile { path: to.clone(), executable, content: Arc::clone(&pinned.content) })
    };
    script.into_iter().chain(files).map(work_file).collect()
}

/// What the controller wants of an attempt now. `None`: nothing, it is over, or its agent has already said all it can.
///
/// Only an attempt that the agent has not confirmed comes with its command. One that can no longer be rendered (an agent's label
/// was changed after it was committed) is withdrawn: an agent that has not begun it proves `not_started`, and the next attempt
/// says what is missing; one that runs it goes on. So is one whose execution is being ended, or that a pause holds by now: what
/// has not begun does not begin any more.
pub fn desired(execution: &Execution, id: AttemptId, world: &dyn World, now: Timestamp) -> Option<Assignment> {
    let attempt = execution.attempts.get(&id).filter(|_| execution.is_open(id))?;
    let killed = execution.cancel.as_ref().is_some_and(|cancel| cancel.mode == CancelMode::Kill);
    let (desired, command) = match attempt.state {
        _ if killed => (Desired::Stop, None),
        AttemptState::Assigned if execution.is_stopping() || is_paused(execution, &attempt.target, world, now) => {
            (Desired::Withdraw, None)
        }
        AttemptState::Assigned => match command(execution, id, world) {
            Some(command) => (Desired::Run, Some(command)),
            None => (Desired::Withdraw, None),
        },
        AttemptState::Accepted | AttemptState::Started { .. } => (Desired::Run, None),
        _ => return None,
    };
    Some(Assignment { attempt: id, execution: execution.id(), incarnation: attempt.incarnation, desired, command })
}

/// A pause holds the workflow or the agent.
fn is_paused(execution: &Execution, target: &AgentName, world: &dyn World, now: Timestamp) -> bool {
    let view = View::new(execution, world, now);
    let agent = world.agent(target);
    view.pause.is_some() || agent.is_some_and(|agent| view.agent_pause(target, agent).is_some())
}

fn command(execution: &Execution, id: AttemptId, world: &dyn World) -> Option<CommandSpec> {
    let attempt = execution.attempts.get(&id)?;
    let mut values = context(execution);
    values.agent = world.agent(&attempt.target).map(|agent| agent.value.clone());
    render(execution, &execution.steps[attempt.step], id, &values).ok()
}

/// The attempts of which their agents may still have something to say, and those agents. What [`super::pass`] says is closed is
/// not among them.
pub fn open_attempts(execution: &Execution) -> impl Iterator<Item = (&AgentName, AttemptId)> {
    let over = execution.status.is_terminal();
    let open = execution.attempts.iter().filter(move |(id, attempt)| {
        let silent = attempt.ended.is_none() && attempt.evidence.is_none();
        match attempt.state {
            AttemptState::Unknown(_) => silent || (!over && attempt.evidence.is_none() && execution.is_open(**id)),
            AttemptState::Resolved(_) => silent,
            _ => attempt.state.is_active(),
        }
    });
    open.map(|(id, attempt)| (&attempt.target, *id))
}
