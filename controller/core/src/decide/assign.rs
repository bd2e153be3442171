//! The rule that starts targets: up to `maxParallel` side by side, one slot each, in the order of their names; what is due for
//! another try goes first.

use super::fleet::Readiness;
use super::render::render;
use super::step::{is_stopped, repeatable};
use super::{AgentView, Decision, Effect, Reason, ReasonKind, View};
use crate::execution::{Event, StepRun, Verdict, context};
use crate::time::Timestamp;
use crate::values::Context;
use crd_schemas::manifest::OnOffline;
use pulse_protocol::{AgentName, Assignment, AttemptId, Desired, Incarnation};

pub(super) fn rule(view: &View<'_>, decision: &mut Decision, ids: &mut dyn FnMut() -> AttemptId) {
    let execution = view.execution;
    let Some(run) = execution.current() else { return };
    let Some(spec) = execution.compiled(run).execute() else { return };
    if execution.is_stopping() || is_stopped(view, run, spec) {
        return;
    }
    let repeatable = repeatable(view, run, spec);
    let could_start = !run.queued.is_empty() || !run.backoff.is_empty() || !repeatable.is_empty();
    if let Some(pause) = view.pause.filter(|_| could_start) {
        decision.pause(pause);
        return;
    }
    decision.watch.extend(execution.unknown.iter().filter_map(|id| Some(execution.attempts.get(id)?.target.clone())));
    // An `unknown` may still be running, so it counts as running; replacing it takes no further place.
    let mut free = spec.max_parallel.saturating_sub(run.busy) as usize;
    let mut values = None;
    let replacing = repeatable.len();
    let mut failed = run.failed;
    for (place, name) in repeatable.into_iter().chain(due(view, run)).chain(run.queued.iter()).enumerate() {
        if place >= replacing && free == 0 {
            let waiting = (run.queued.len() + run.backoff.len()).saturating_sub(decision.events.len());
            decision.report.push(Reason::of_step(run, ReasonKind::MaxParallel { limit: spec.max_parallel, waiting }));
            break;
        }
        let before = decision.events.len();
        let begun = try_target(view, run, name, decision, &mut values, ids);
        free -= usize::from(begun && place >= replacing);
        // What fails here counts at once: a step that has failed starts nothing more in the same breath.
        failed += u32::from(decision.events.get(before).is_some_and(is_failure));
        if failed > spec.max_failures {
            break;
        }
    }
    if let Some((at, _)) = run.backoff.iter().find(|(at, _)| *at > view.now) {
        decision.wake(*at);
    }
}

fn is_failure(event: &Event) -> bool {
    matches!(event, Event::TargetEnded { verdict: Verdict::Failed { .. }, .. })
}

fn due<'a>(view: &View<'_>, run: &'a StepRun) -> impl Iterator<Item = &'a AgentName> {
    let now = view.now;
    run.backoff.iter().take_while(move |(at, _)| *at <= now).map(|(_, name)| name)
}

/// Starts a target if its agent can take it; says whether it did.
fn try_target(
    view: &View<'_>,
    run: &StepRun,
    name: &AgentName,
    decision: &mut Decision,
    values: &mut Option<Context>,
    ids: &mut dyn FnMut() -> AttemptId,
) -> bool {
    decision.watch.insert(name.clone());
    let Some(agent) = view.world.agent(name) else {
        end_target(run, name, failed("no agent of this name is enrolled any more"), decision);
        return false;
    };
    if let Some(pause) = view.agent_pause(name, agent) {
        if let Some(at) = pause.expires_at {
            decision.wake(at);
        }
        decision.report.push(Reason::of_target(run, name, ReasonKind::of_pause(pause)));
        return false;
    }
    match agent.readiness(view.now) {
        Readiness::Ready { slot, incarnation } => {
            let values = values.get_or_insert_with(|| context(view.execution));
            return assign(view, run, name, agent, (slot, incarnation), values, decision, ids());
        }
        Readiness::Gone => end_target(run, name, failed("the agent is revoked"), decision),
        Readiness::Busy { slots } => {
            decision.wake(agent.offline_at());
            decision.wants_slot.insert(name.clone());
            decision.report.push(Reason::of_target(run, name, ReasonKind::SlotsFull { slots }));
        }
        Readiness::Quarantined { reason } => {
            decision.report.push(Reason::of_target(run, name, ReasonKind::Quarantined { reason }));
        }
        Readiness::Blip { offline_at } => {
            decision.wake(offline_at);
            decision.report.push(Reason::of_target(run, name, ReasonKind::Disconnected { since: agent.last_seen }));
        }
        Readiness::Offline { since } => offline(view, run, name, since, decision),
    }
    false
}

fn offline(view: &View<'_>, run: &StepRun, name: &AgentName, since: Timestamp, decision: &mut Decision) {
    let on_offline = view.execution.compiled(run).execute().map(|spec| spec.on_offline).unwrap_or_default();
    match on_offline {
        OnOffline::Fail => end_target(run, name, failed("the agent is offline"), decision),
        OnOffline::Skip => {
            end_target(run, name, Verdict::Skipped { reason: "the agent is offline".into() }, decision);
        }
        OnOffline::Wait(patience) => {
            let until = since.max(run.started_at).plus(patience);
            if view.now >= until {
                end_target(run, name, failed(&format!("the agent was offline for {patience}")), decision);
            } else {
                decision.wake(until);
                decision.report.push(Reason::of_target(run, name, ReasonKind::Offline { since, until: Some(until) }));
            }
        }
    }
}

fn failed(reason: &str) -> Verdict {
    Verdict::Failed { reason: reason.to_owned() }
}

fn end_target(run: &StepRun, name: &AgentName, verdict: Verdict, decision: &mut Decision) {
    decision.events.push(Event::TargetEnded { step: run.path.clone(), visit: run.visit, target: name.clone(), verdict });
}

#[expect(clippy::too_many_arguments, reason = "one call site; a struct for it would only move the list")]
fn assign(
    view: &View<'_>,
    run: &StepRun,
    name: &AgentName,
    agent: &AgentView,
    (slot, incarnation): (u32, Incarnation),
    values: &mut Context,
    decision: &mut Decision,
    attempt: AttemptId,
) -> bool {
    values.agent = Some(agent.value.clone());
    let command = match render(view.execution, run, attempt, values) {
        Ok(command) => command,
        Err(missing) => {
            end_target(run, name, failed(&missing.to_string()), decision);
            return false;
        }
    };
    let execution = view.execution.id();
    let assignment = Assignment { attempt, execution, incarnation, desired: Desired::Run, command: Some(command) };
    decision.effects.push(Effect::Assign { agent: name.clone(), assignment: Box::new(assignment) });
    let number = u32::try_from(run.targets.get(name).map_or(0, |target| target.attempts.len())).unwrap_or(u32::MAX);
    decision.events.push(Event::AttemptAssigned {
        attempt,
        step: run.path.clone(),
        visit: run.visit,
        target: name.clone(),
        number: number.saturating_add(1),
        slot,
        incarnation,
        boot: agent.boot,
    });
    true
}
