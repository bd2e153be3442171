//! The rule for a workflow's `timeout`: it runs from the beginning, not while people are waited for, and not while no controller
//! runs. Once it is over, nothing new starts.

use super::{Decision, View};
use crate::elapsed::deadline;
use crate::execution::Event;
use pulse_protocol::AttemptId;
use pulse_protocol::planted::{self, Bug};

pub(super) fn rule(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    let execution = view.execution;
    let (Some(timeout), Some(started_at)) = (execution.program.timeout, execution.started_at) else { return };
    let again = planted::is(Bug::TimerTwice) && execution.timed_out.is_some_and(|before| before < view.now);
    if execution.is_stopping() && !again || execution.waits.is_some_and(|(_, reason)| reason.is_for_people()) {
        return;
    }
    let uncounted = execution.waited.iter().chain(view.world.absences()).copied();
    let until = deadline(started_at, timeout, uncounted);
    if view.now >= until {
        decision.events.push(Event::TimedOut);
    } else {
        decision.wake(until);
    }
}
