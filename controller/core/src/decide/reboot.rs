//! The rule for hosts that a command took down as it should: another boot id is success. A host is `failed` only where somebody could
//! have seen it come back: it is there with the old boot when its time is over, or it is offline by then. Time in which no
//! controller ran is not its own, and an agent of which nobody heard because nobody listened is not away.

use super::{AgentView, Decision, Presence, Reason, ReasonKind, View};
use crate::elapsed::deadline;
use crate::execution::{Attempt, Event, TargetState, Verdict};
use crate::time::Timestamp;
use pulse_protocol::{AttemptId, BootId};

pub(super) fn rule(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    let execution = view.execution;
    let Some(run) = execution.current() else { return };
    let Some(spec) = execution.compiled(run).execute() else { return };
    for name in &run.rebooting {
        let Some(TargetState::Rebooting { attempt, .. }) = run.targets.get(name).map(|target| &target.state) else { continue };
        let Some(attempt) = execution.attempts.get(attempt) else { continue };
        let until = deadline(begun(attempt), spec.timeout, view.world.absences().iter().copied());
        let verdict = match stands(view.world.agent(name), attempt.boot, until, view.now) {
            Stands::Back => Verdict::Succeeded,
            Stands::Due(due) if view.now >= due => {
                Verdict::Failed { reason: format!("the host did not come back with a new boot id within {}", spec.timeout) }
            }
            Stands::Due(due) => {
                decision.watch.insert(name.clone());
                decision.wake(due);
                decision.report.push(Reason::of_target(run, name, ReasonKind::Rebooting { until }));
                continue;
            }
        };
        decision.events.push(Event::TargetEnded { step: run.path.clone(), visit: run.visit, target: name.clone(), verdict });
    }
}

fn begun(attempt: &Attempt) -> Timestamp {
    attempt.started_at.unwrap_or(attempt.assigned_at)
}

enum Stands {
    /// With another boot id.
    Back,
    /// Not yet; it has failed from then on.
    Due(Timestamp),
}

fn stands(agent: Option<&AgentView>, before: Option<BootId>, until: Timestamp, now: Timestamp) -> Stands {
    let Some(agent) = agent else { return Stands::Due(until) };
    match agent.presence {
        Presence::Connected(_) if agent.boot != before => Stands::Back,
        Presence::Connected(_) if agent.is_present(now) => Stands::Due(until),
        Presence::Revoked => Stands::Due(until),
        _ => Stands::Due(until.max(agent.offline_at())),
    }
}
