//! Rules for steps: the execution begins, a step ends, the next one begins, the execution ends.

use super::{Decision, Reason, ReasonKind, View};
use crate::execution::{Event, Execution, StepPath, StepRun, TargetState, TriggerKind, context};
use crate::transition::{ExecutionEnd, StepStatus};
use crd_schemas::manifest::{Execute, OnUnknown};
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{AgentName, AttemptId};

/// Attempts of an idempotent step that may end `unknown` in a row before it waits for a person after all.
const UNKNOWN_LIMIT: usize = 5;

/// Visits of one step in one execution: more is a loop that nobody meant.
pub const MAX_VISITS: usize = 100;

/// It begins, once it is its turn and no pause holds it.
pub(super) fn begin(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    let execution = view.execution;
    if execution.started_at.is_some() || execution.is_stopping() {
        return;
    }
    if let Some(pause) = view.pause {
        decision.pause(pause);
    } else if let Some(ahead) = view.ahead() {
        decision.report.push(Reason::of_execution(ReasonKind::Queued(ahead)));
    } else {
        decision.events.push(Event::Started);
    }
}

/// Ends the step that has nothing left to do, begins the next one, or ends the execution.
pub(super) fn advance(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    let execution = view.execution;
    match (execution.current(), view.pause) {
        (Some(run), _) => {
            if let Some(spec) = execution.compiled(run).execute() {
                decision.events.extend(end_step(view, run, spec));
            }
        }
        (None, _) if execution.started_at.is_none() => {}
        (None, Some(pause)) if begins_another(execution) => decision.pause(pause),
        (None, _) => decision.events.push(next_step(execution)),
    }
}

/// The step that is over leads to another one.
pub(super) fn begins_another(execution: &Execution) -> bool {
    failure(execution).is_none() && execution.upcoming().is_some()
}

/// What an `unknown` does in this step.
pub(super) fn on_unknown(execution: &Execution, run: &StepRun) -> OnUnknown {
    let said = execution.compiled(run).execute().and_then(|spec| spec.on_unknown);
    said.unwrap_or(match execution.created.trigger.kind {
        TriggerKind::Person => OnUnknown::Wait,
        TriggerKind::Schedule => OnUnknown::Fail,
    })
}

/// No further target starts: too many failed, an `unknown` is not waited for, or the history is nearly full.
pub(super) fn is_stopped(view: &View<'_>, run: &StepRun, spec: &Execute) -> bool {
    let execution = view.execution;
    let given_up = run.unknown > 0 && on_unknown(execution, run) == OnUnknown::Fail && repeatable(view, run, spec).is_empty();
    run.failed > spec.max_failures || given_up || is_full(execution)
}

/// The history has no room for another step.
fn is_full(execution: &Execution) -> bool {
    execution.seq + 1000 > super::EVENT_LIMIT
}

/// Unknown targets of an idempotent step whose agent is there again (so it has said all it knows by then), and whose command can
/// still be written: these may get another attempt.
pub(super) fn repeatable<'a>(view: &View<'_>, run: &'a StepRun, spec: &Execute) -> Vec<&'a AgentName> {
    let execution = view.execution;
    if run.unknown == 0 || !(spec.idempotent || planted::is(Bug::UnknownAgain)) {
        return Vec::new();
    }
    let unknown = run.targets.iter().filter(|(name, target)| {
        let lost = target.attempts.iter().rev().take_while(|id| execution.unknown.contains(id)).count();
        let present = view.world.agent(name).is_some_and(|agent| agent.is_present(view.now));
        let repeatable = matches!(target.state, TargetState::Unknown(_)) && lost < UNKNOWN_LIMIT && present;
        repeatable && has_command(view, run, name)
    });
    unknown.map(|(name, _)| name).collect()
}

/// A command that cannot be written any more, as after a label was taken away, says nothing of the attempt before it.
fn has_command(view: &View<'_>, run: &StepRun, name: &AgentName) -> bool {
    let mut values = context(view.execution);
    values.agent = view.world.agent(name).map(|agent| agent.value.clone());
    super::render(view.execution, run, AttemptId(uuid::Uuid::nil()), &values).is_ok()
}

fn end_step(view: &View<'_>, run: &StepRun, spec: &Execute) -> Option<Event> {
    let execution = view.execution;
    if !execution.active.is_empty() || !run.rebooting.is_empty() {
        return None;
    }
    let left = !run.queued.is_empty() || !run.backoff.is_empty();
    if left && !is_stopped(view, run, spec) {
        return None;
    }
    if run.unknown > 0 && (on_unknown(execution, run) == OnUnknown::Wait || !is_stopped(view, run, spec)) {
        return None;
    }
    let status = outcome(run, spec.max_failures, left);
    Some(Event::StepEnded { step: run.path.clone(), visit: run.visit, status, message: explain(run, status, left) })
}

fn outcome(run: &StepRun, max_failures: u32, left: bool) -> StepStatus {
    let failed = run.failed > max_failures || (run.failed > 0 && run.succeeded == 0) || left;
    match () {
        () if run.unknown > 0 => StepStatus::Unknown,
        () if failed => StepStatus::Failed,
        () if run.succeeded == 0 => StepStatus::Skipped,
        () => StepStatus::Succeeded,
    }
}

/// `2 of 5 targets failed: a1 (exit code 3), a2 (timed out after 1m)`.
fn explain(run: &StepRun, status: StepStatus, left: bool) -> Option<String> {
    const SHOWN: usize = 5;
    if run.targets.is_empty() {
        return Some("no target of the earlier step ended so".to_owned());
    }
    if matches!(status, StepStatus::Succeeded) && run.failed == 0 {
        return None;
    }
    let failed = run.targets.iter().filter_map(|(name, target)| match &target.state {
        TargetState::Failed { reason } | TargetState::Backoff { reason, .. } => Some(format!("{name} ({reason})")),
        TargetState::Unknown(_) => Some(format!("{name} (unknown)")),
        TargetState::Skipped { reason } if run.succeeded == 0 && run.failed == 0 => Some(format!("{name} ({reason})")),
        _ => None,
    });
    let names: Vec<String> = failed.collect();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    let word = match status {
        StepStatus::Unknown => "unknown or failed",
        StepStatus::Skipped => "left out",
        _ => "failed",
    };
    let rest = match left {
        true => format!("; {} never had their turn", run.queued.len()),
        false => String::new(),
    };
    let listed = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let noun = if run.targets.len() == 1 { "target" } else { "targets" };
    Some(format!("{} of {} {noun} {word}: {listed}{more}{rest}", names.len(), run.targets.len()))
}

/// Why the step that is over ends the execution, if it does.
fn failure(execution: &Execution) -> Option<String> {
    let run = execution.steps.last()?;
    let tolerated = execution.compiled(run).spec.continue_on_error;
    let word = match run.status {
        StepStatus::Failed if !tolerated => "failed",
        StepStatus::Unknown => "ended unknown",
        _ => return None,
    };
    let detail = run.message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
    Some(format!("step `{}` {word}{detail}", run.path))
}

fn next_step(execution: &Execution) -> Event {
    if let Some(message) = failure(execution) {
        return Event::Ended { status: ExecutionEnd::Failed, message: Some(message) };
    }
    let Some((_, compiled)) = execution.upcoming() else {
        return Event::Ended { status: ExecutionEnd::Succeeded, message: None };
    };
    let visit = execution.visits(&compiled.spec.id) + 1;
    let step = StepPath(compiled.spec.id.clone());
    let often = execution.own_visits(&compiled.spec.id) >= MAX_VISITS;
    if often || is_full(execution) {
        let why = if often { format!("{MAX_VISITS} visits are all it may have") } else { "the history is full".into() };
        let message = Some(format!("step `{step}` was not begun: {why}; a `goto` leads round in a circle"));
        return Event::Ended { status: ExecutionEnd::Failed, message };
    }
    let condition = match &compiled.when {
        None => None,
        Some(when) => match when.evaluate(&context(execution)) {
            Ok(true) => Some(true),
            Ok(false) => return Event::StepSkipped { step, visit },
            Err(error) => {
                return Event::StepRefused { step, visit, message: format!("`when` cannot be evaluated: {error}") };
            }
        },
    };
    let targets = compiled.execute().map_or_else(Vec::new, |spec| execution.targets(&spec.targets));
    Event::StepStarted { step, visit, targets, condition }
}
