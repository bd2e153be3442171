//! The rule for cancels: nothing new starts; once nothing runs any more, the step and the execution end. An attempt of which
//! nobody knows stays `unknown`: waiting for it would keep a cancelled execution open for ever.

use super::{Decision, View};
use crate::execution::{CancelMode, Event};
use crate::transition::{ExecutionEnd, StepStatus};
use pulse_protocol::AttemptId;

pub(super) fn rule(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    let execution = view.execution;
    let Some(cancel) = &execution.cancel else { return };
    if !execution.active.is_empty() {
        return;
    }
    let mode = match cancel.mode {
        CancelMode::Drain => "",
        CancelMode::Kill => ", running commands ended",
    };
    let message = Some(format!("cancelled by {}{mode}: {}", cancel.by, cancel.reason));
    decision.events.push(match execution.current() {
        Some(run) => Event::StepEnded { step: run.path.clone(), visit: run.visit, status: StepStatus::Cancelled, message: None },
        None => Event::Ended { status: ExecutionEnd::Cancelled, message },
    });
}
