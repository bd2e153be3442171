//! The rule for attempts whose agent is away: once the command's time is certainly over, or the agent can never speak again,
//! the attempt is `unknown`. While the agent is there its own word counts, however late.

use super::{Decision, Presence, View};
use crate::execution::{Attempt, CancelMode, Event};
use crate::time::Timestamp;
use crate::transition::TrackLoss;
use crd_schemas::Duration;
use pulse_protocol::AttemptId;

/// What clocks, queues and a slow disk may add to a command's own time.
const MARGIN: Duration = Duration::from_secs(60);

pub(super) fn rule(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    for id in &view.execution.active {
        let Some(attempt) = view.execution.attempts.get(id) else { continue };
        decision.watch.insert(attempt.target.clone());
        let Some(agent) = view.world.agent(&attempt.target) else { continue };
        if agent.presence == Presence::Revoked {
            decision.events.push(Event::AttemptLost { attempt: *id, loss: TrackLoss::AgentRevoked });
            continue;
        }
        let (deadline, loss) = deadline(view, attempt);
        let due = deadline.max(agent.offline_at());
        if view.now >= due {
            decision.events.push(Event::AttemptLost { attempt: *id, loss });
        } else {
            decision.wake(due);
        }
    }
}

fn deadline(view: &View<'_>, attempt: &Attempt) -> (Timestamp, TrackLoss) {
    let begun = attempt.started_at.unwrap_or(attempt.assigned_at);
    let Some(spec) = view.execution.compiled(&view.execution.steps[attempt.step]).execute() else {
        return (begun, TrackLoss::TimeoutUnconfirmed);
    };
    let over = begun.plus(spec.timeout).plus(spec.kill_grace).plus(MARGIN);
    match &view.execution.cancel {
        Some(cancel) if cancel.mode == CancelMode::Kill => {
            let ended = cancel.at.plus(spec.kill_grace).plus(MARGIN);
            if ended < over { (ended, TrackLoss::CancelUnconfirmed) } else { (over, TrackLoss::TimeoutUnconfirmed) }
        }
        _ => (over, TrackLoss::TimeoutUnconfirmed),
    }
}
