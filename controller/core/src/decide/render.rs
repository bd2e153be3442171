//! Renders what an agent shall run, and what it shall know of an execution's attempts at any moment.

use super::Fleet;
use super::step::spec;
use crate::execution::{CancelMode, Execution, StepRun, context};
use crate::transition::AttemptState;
use crate::values::{Context, MissingValue};
use pulse_protocol::{AgentName, Assignment, AttemptId, CommandSpec, Desired};
use std::collections::BTreeMap;

/// All values of a command together, bytes.
const MAX_TOTAL_BYTES: usize = 512 * 1024;

/// The command of a step for the target whose values are in `values.agent`.
pub fn render(execution: &Execution, run: &StepRun, attempt: AttemptId, values: &Context) -> Result<CommandSpec, MissingValue> {
    let (compiled, spec) = (execution.compiled(run), spec(execution, run));
    let agent = values.agent.as_ref().map_or("", |agent| agent.name.as_str());
    let mut env = BTreeMap::new();
    for (name, template) in &compiled.env {
        env.insert(name.clone(), template.render(values)?);
    }
    env.extend(compiled.command.environment(values)?);
    for (name, value) in &values.params {
        env.insert(format!("PULSE_PARAM_{}", name.to_ascii_uppercase()), value.clone());
    }
    let bytes: usize = env.values().map(String::len).sum();
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
    Ok(CommandSpec {
        argv: compiled.argv.clone(),
        script: compiled.command.text.clone(),
        env,
        cwd: spec.cwd.clone(),
        timeout_ms: spec.timeout.as_millis(),
        kill_grace_ms: spec.kill_grace.as_millis(),
        capture_stdout: compiled.capture_stdout,
    })
}

/// What the controller wants of an attempt now. `None`: nothing, it is over, or its agent has already said all it can.
///
/// Only an attempt that the agent has not confirmed comes with its command. One that can no longer be rendered (an agent's label
/// was changed after it was committed) is withdrawn: an agent that has not begun it proves `not_started`, and the next attempt
/// says what is missing; one that runs it goes on.
pub fn desired(execution: &Execution, id: AttemptId, fleet: &dyn Fleet) -> Option<Assignment> {
    let attempt = execution.attempts.get(&id).filter(|attempt| attempt.state.is_open())?;
    let killed = execution.cancel.as_ref().is_some_and(|cancel| cancel.mode == CancelMode::Kill);
    let (desired, command) = match attempt.state {
        _ if killed => (Desired::Stop, None),
        AttemptState::Assigned => match command(execution, id, fleet) {
            Some(command) => (Desired::Run, Some(command)),
            None => (Desired::Withdraw, None),
        },
        AttemptState::Accepted | AttemptState::Started { .. } => (Desired::Run, None),
        _ => return None,
    };
    Some(Assignment { attempt: id, execution: execution.id(), incarnation: attempt.incarnation, desired, command })
}

fn command(execution: &Execution, id: AttemptId, fleet: &dyn Fleet) -> Option<CommandSpec> {
    let attempt = execution.attempts.get(&id)?;
    let mut values = context(execution);
    values.agent = fleet.agent(&attempt.target).map(|agent| agent.value.clone());
    render(execution, &execution.steps[attempt.step], id, &values).ok()
}

/// The attempts of which their agents may still have something to say, and those agents. What [`super::pass`] says is closed is
/// not among them.
pub fn open_attempts(execution: &Execution) -> impl Iterator<Item = (&AgentName, AttemptId)> {
    let over = execution.status.is_terminal();
    let open = execution.attempts.iter().filter(move |(_, attempt)| {
        let silent = attempt.ended.is_none() && !attempt.evidence;
        match attempt.state {
            AttemptState::Unknown(_) => silent || (!over && !attempt.evidence),
            AttemptState::Resolved(_) => silent,
            _ => attempt.state.is_active(),
        }
    });
    open.map(|(id, attempt)| (&attempt.target, *id))
}
