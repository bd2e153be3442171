//! Rules for steps: the execution begins, a step ends, the next one begins, the execution ends.

use super::{Decision, View};
use crate::execution::{Event, Execution, StepPath, StepRun, TargetState, TriggerKind, context};
use crate::transition::{ExecutionEnd, ExecutionState, StepStatus};
use crd_schemas::manifest::{Execute, OnUnknown};
use pulse_protocol::{AgentName, AttemptId};

/// Attempts of an idempotent step that may end `unknown` in a row before it waits for a person after all.
const UNKNOWN_LIMIT: usize = 5;

/// `pending → running`.
pub(super) fn begin(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    if view.execution.status == ExecutionState::Pending && view.execution.cancel.is_none() {
        decision.events.push(Event::Started);
    }
}

/// Ends the step that has nothing left to do, begins the next one, or ends the execution.
pub(super) fn advance(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    let execution = view.execution;
    match execution.current() {
        Some(run) => decision.events.extend(end_step(view, run)),
        None => decision.events.extend(Some(next_step(execution))),
    }
}

/// The `execute` action of a step run.
pub(super) fn spec<'a>(execution: &'a Execution, run: &StepRun) -> &'a Execute {
    execution.compiled(run).execute()
}

/// What an `unknown` does in this step.
pub(super) fn on_unknown(execution: &Execution, run: &StepRun) -> OnUnknown {
    spec(execution, run).on_unknown.unwrap_or(match execution.created.trigger.kind {
        TriggerKind::Person => OnUnknown::Wait,
        TriggerKind::Schedule => OnUnknown::Fail,
    })
}

/// No further target starts: too many failed, an `unknown` is not waited for, or the history is nearly full.
pub(super) fn is_stopped(view: &View<'_>, run: &StepRun) -> bool {
    let execution = view.execution;
    let given_up = run.unknown > 0 && on_unknown(execution, run) == OnUnknown::Fail && repeatable(view, run).is_empty();
    run.failed > spec(execution, run).max_failures || given_up || execution.seq + 1000 > super::EVENT_LIMIT
}

/// Unknown targets of an idempotent step whose agent is there again (so it has said all it knows by then): these may get
/// another attempt.
pub(super) fn repeatable<'a>(view: &View<'_>, run: &'a StepRun) -> Vec<&'a AgentName> {
    let execution = view.execution;
    if run.unknown == 0 || !spec(execution, run).idempotent {
        return Vec::new();
    }
    let unknown = run.targets.iter().filter(|(name, target)| {
        let lost = target.attempts.iter().rev().take_while(|id| execution.unknown.contains(id)).count();
        let present = view.fleet.agent(name).is_some_and(|agent| agent.is_present(view.now));
        matches!(target.state, TargetState::Unknown(_)) && lost < UNKNOWN_LIMIT && present
    });
    unknown.map(|(name, _)| name).collect()
}

fn end_step(view: &View<'_>, run: &StepRun) -> Option<Event> {
    let execution = view.execution;
    if !execution.active.is_empty() {
        return None;
    }
    let left = !run.queued.is_empty() || !run.backoff.is_empty();
    if left && !is_stopped(view, run) {
        return None;
    }
    if run.unknown > 0 && (on_unknown(execution, run) == OnUnknown::Wait || !is_stopped(view, run)) {
        return None;
    }
    let status = outcome(run, spec(execution, run).max_failures, left);
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

fn next_step(execution: &Execution) -> Event {
    if let Some(run) = execution.steps.last() {
        let tolerated = execution.compiled(run).spec.continue_on_error;
        let word = match run.status {
            StepStatus::Failed if !tolerated => Some("failed"),
            StepStatus::Unknown => Some("ended unknown"),
            _ => None,
        };
        if let Some(word) = word {
            let detail = run.message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
            let message = Some(format!("step `{}` {word}{detail}", run.path));
            return Event::Ended { status: ExecutionEnd::Failed, message };
        }
    }
    let Some((_, compiled)) = execution.upcoming() else {
        return Event::Ended { status: ExecutionEnd::Succeeded, message: None };
    };
    let (step, visit) = (StepPath(compiled.spec.id.clone()), 1);
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
    Event::StepStarted { step, visit, targets: execution.selected(&compiled.execute().targets).to_vec(), condition }
}
