//! The rule for hosts that a command took down as it should: another boot id is success.

use super::{Decision, Presence, Reason, ReasonKind, View};
use crate::execution::{Event, TargetState, Verdict};
use pulse_protocol::AttemptId;

pub(super) fn rule(view: &View<'_>, decision: &mut Decision, _: &mut dyn FnMut() -> AttemptId) {
    let execution = view.execution;
    let Some(run) = execution.current() else { return };
    for name in &run.rebooting {
        let Some(TargetState::Rebooting { attempt, until }) = run.targets.get(name).map(|target| &target.state) else { continue };
        let before = execution.attempts.get(attempt).and_then(|attempt| attempt.boot);
        let agent = view.world.agent(name);
        let back = agent.is_some_and(|agent| matches!(agent.presence, Presence::Connected(_)) && agent.boot != before);
        let verdict = match () {
            () if back => Verdict::Succeeded,
            () if view.now >= *until => {
                let timeout =
                    execution.compiled(run).execute().map_or_else(String::new, |spec| format!(" within {}", spec.timeout));
                Verdict::Failed { reason: format!("the host did not come back with a new boot id{timeout}") }
            }
            () => {
                decision.watch.insert(name.clone());
                decision.wake(*until);
                decision.report.push(Reason::of_target(run, name, ReasonKind::Rebooting { until: *until }));
                continue;
            }
        };
        decision.events.push(Event::TargetEnded { step: run.path.clone(), visit: run.visit, target: name.clone(), verdict });
    }
}
