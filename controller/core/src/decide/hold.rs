//! Rules for `running ⇄ waiting`: an execution waits while all it can do is wait for a person, a time, its turn, the end of a
//! pause, or for somebody to settle an `unknown`.

use super::step::{is_stopped, on_unknown};
use super::{Decision, View};
use crate::execution::{Event, StepRun};
use crate::transition::{ExecutionState, WaitReason};
use crd_schemas::manifest::OnUnknown;
use pulse_protocol::AttemptId;

pub(super) fn resume(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    let ExecutionState::Waiting(reason) = view.execution.status else { return };
    match held(view) {
        Some(held) if held == reason => {}
        Some(reason) => decision.events.push(Event::Waiting { reason }),
        None => decision.events.push(Event::Resumed),
    }
}

pub(super) fn wait(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    if matches!(view.execution.status, ExecutionState::Pending | ExecutionState::Running)
        && let Some(reason) = held(view)
    {
        decision.events.push(Event::Waiting { reason });
    }
}

fn held(view: &View<'_>) -> Option<WaitReason> {
    let execution = view.execution;
    if execution.is_stopping() || !execution.active.is_empty() {
        return None;
    }
    if execution.started_at.is_none() {
        return match (view.pause, view.ahead()) {
            (Some(_), _) => Some(WaitReason::Pause),
            (None, Some(_)) => Some(WaitReason::Queue),
            (None, None) => None,
        };
    }
    let by_pause = view.pause.map(|_| WaitReason::Pause);
    let Some(run) = execution.current() else { return by_pause.filter(|_| super::step::begins_another(execution)) };
    match (&run.prompt, run.until) {
        (Some(prompt), _) if prompt.end.is_none() => return Some(WaitReason::Person),
        (None, Some(_)) => return Some(WaitReason::Timer),
        _ => {}
    }
    if execution.compiled(run).execute().is_none() || !run.rebooting.is_empty() {
        return None;
    }
    by_unknown(view, run).or(by_pause)
}

fn by_unknown(view: &View<'_>, run: &StepRun) -> Option<WaitReason> {
    let spec = view.execution.compiled(run).execute()?;
    // A target that could start if its agent were there, or had a slot, keeps the execution running.
    let has_room = !run.queued.is_empty() && run.busy < spec.max_parallel && view.pause.is_none();
    let could_start = (has_room || !run.backoff.is_empty()) && !is_stopped(view, run, spec);
    let held = !could_start && run.unknown > 0;
    (held && on_unknown(view.execution, run) == OnUnknown::Wait).then_some(WaitReason::Unknown)
}
