//! Rules for `running ⇄ waiting`: an execution waits while all it can do is wait for somebody to settle an `unknown`.

use super::step::on_unknown;
use super::{Decision, View};
use crate::execution::{Event, Execution};
use crate::transition::{ExecutionState, WaitReason};
use crd_schemas::manifest::OnUnknown;
use pulse_protocol::AttemptId;

pub(super) fn resume(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    if matches!(view.execution.status, ExecutionState::Waiting(_)) && held(view.execution).is_none() {
        decision.events.push(Event::Resumed);
    }
}

pub(super) fn wait(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    if view.execution.status == ExecutionState::Running
        && let Some(reason) = held(view.execution)
    {
        decision.events.push(Event::Waiting { reason });
    }
}

fn held(execution: &Execution) -> Option<WaitReason> {
    let run = execution.current()?;
    // A target that could start if its agent were there, or had a slot, keeps the execution running.
    let could_start = !run.queued.is_empty() && run.busy < execution.compiled(run).execute().max_parallel;
    let idle = execution.active.is_empty() && run.backoff.is_empty() && execution.cancel.is_none() && !could_start;
    (idle && run.unknown > 0 && on_unknown(execution, run) == OnUnknown::Wait).then_some(WaitReason::Unknown)
}
