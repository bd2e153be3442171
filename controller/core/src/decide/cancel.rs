//! The rule for cancels and for a workflow's `timeout` that is over: nothing new starts; once nothing runs any more, the step and
//! the execution end. An attempt of which nobody knows stays `unknown`: waiting for it would keep the execution open for ever.

use super::{Decision, View};
use crate::execution::{CancelMode, Event, Execution};
use crate::transition::{ExecutionEnd, StepStatus};
use pulse_protocol::AttemptId;

pub(super) fn rule(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    let execution = view.execution;
    if !execution.is_stopping() || !execution.active.is_empty() {
        return;
    }
    decision.events.push(match execution.current() {
        Some(run) => Event::StepEnded { step: run.path.clone(), visit: run.visit, status: StepStatus::Cancelled, message: None },
        None => end(execution),
    });
}

/// A person's word counts for more than the time.
fn end(execution: &Execution) -> Event {
    let Some(cancel) = &execution.cancel else {
        let timeout = execution.program.timeout.map_or_else(String::new, |timeout| format!(" after {timeout}"));
        let message = Some(format!("the workflow's timeout was over{timeout}"));
        return Event::Ended { status: ExecutionEnd::Failed, message };
    };
    let mode = match cancel.mode {
        CancelMode::Drain => "",
        CancelMode::Kill => ", running commands ended",
    };
    let message = Some(format!("cancelled by {}{mode}: {}", cancel.by, cancel.reason));
    Event::Ended { status: ExecutionEnd::Cancelled, message }
}
