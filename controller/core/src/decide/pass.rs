//! One pass over an execution: inputs are taken in, then the rules are asked until they add nothing. The result is committed as
//! one; if the commit fails, the changed execution is thrown away and loaded again.

use super::{Decision, Effect, World, decide};
use crate::execution::{
    Admitted, CancelMode, ClaimKey, Event, EventRecord, Execution, FoldError, Input, Outcome, PromptChange, PromptClosed,
    PromptRow, admit, claim_change, prompt_change,
};
use crate::time::Timestamp;
use crate::transition::AttemptState;
use pulse_protocol::{AgentName, AttemptId, Incarnation};

/// Rounds after which a pass rests: what is left is decided by the next one, so that neither a commit nor the time under the
/// fleet's lock grows without bound.
const ROUNDS: usize = 1000;

/// What came of a pass.
#[derive(Debug, Default)]
#[must_use]
pub struct Pass {
    /// To be committed, in order.
    pub events: Vec<EventRecord>,
    /// Claims to take in the same transaction.
    pub take: Vec<ClaimKey>,
    /// Claims to release in it.
    pub release: Vec<ClaimKey>,
    /// Attempts that begin.
    pub opened: Vec<(AttemptId, AgentName, Incarnation)>,
    /// Attempts that are over and need not be found by id any more.
    pub closed: Vec<AttemptId>,
    /// Questions that begin, some of which may stand among the closed ones as well.
    pub prompts_opened: Vec<PromptRow>,
    /// Questions that are over.
    pub prompts_closed: Vec<PromptClosed>,
    /// To be done after the commit.
    pub effects: Vec<Effect>,
    /// One for each input, in their order; told after the commit.
    pub outcomes: Vec<Outcome>,
    /// The last decision, which added nothing: when to wake, why nothing moves, which agents matter.
    pub rest: Decision,
}

/// Takes the inputs in and decides until there is nothing more to say, or for as long as one pass may take; then it wakes at once.
pub fn pass(
    execution: &mut Execution,
    inputs: &[Input],
    world: &dyn World,
    now: Timestamp,
    ids: &mut dyn FnMut() -> AttemptId,
) -> Result<Pass, FoldError> {
    let mut pass = Pass::default();
    for input in inputs {
        let outcome = match admit(execution, input, now) {
            Admitted::Stale => Outcome::Unchanged,
            Admitted::Refused(refusal) => Outcome::Refused(refusal),
            Admitted::Events(events) => {
                for event in events {
                    pass.fold(execution, event, now)?;
                }
                Outcome::Done
            }
        };
        pass.outcomes.push(outcome);
    }
    for _ in 0..ROUNDS {
        let Decision { events, effects, .. } = &mut pass.rest;
        events.clear();
        effects.clear();
        let decision = decide(execution, world, now, ids);
        let events = decision.events.clone();
        pass.effects.extend(decision.effects.iter().cloned());
        pass.rest = decision;
        if events.is_empty() {
            break;
        }
        for event in events {
            pass.fold(execution, event, now)?;
        }
    }
    if !pass.rest.events.is_empty() && !execution.status.is_terminal() {
        pass.rest.wake(now);
    }
    Ok(pass)
}

impl Pass {
    fn fold(&mut self, execution: &mut Execution, event: Event, now: Timestamp) -> Result<(), FoldError> {
        let claims = claim_change(Some(execution), &execution.program, &event);
        let PromptChange { opened, closed } = prompt_change(execution, &event, now);
        self.prompts_opened.extend(opened);
        self.prompts_closed.extend(closed);
        let record = EventRecord { seq: execution.seq + 1, at: now, event };
        execution.apply(&record)?;
        // A slot taken and freed in one pass is never written: rows are inserted before others are deleted.
        for key in claims.release {
            match self.take.iter().position(|taken| *taken == key) {
                Some(index) => drop(self.take.remove(index)),
                None => self.release.push(key),
            }
        }
        self.take.extend(claims.take);
        match &record.event {
            Event::AttemptAssigned { attempt, target, incarnation, .. } => {
                self.opened.push((*attempt, target.clone(), *incarnation));
            }
            // The agent has said all it can: a person's word does not wait for more, nor does the end of the execution.
            Event::AttemptResolved { attempt, .. }
                if execution.attempts.get(attempt).is_some_and(|held| held.ended.is_some()) =>
            {
                self.closed.push(*attempt);
            }
            Event::Ended { .. } => {
                let said = |id: &&AttemptId| execution.attempts.get(*id).is_some_and(|held| held.ended.is_some());
                self.closed.extend(execution.unknown.iter().filter(said));
            }
            Event::AttemptEnded { attempt, .. } if !execution.is_open(*attempt) => self.closed.push(*attempt),
            Event::EvidenceRecorded { attempt, .. } => self.closed.push(*attempt),
            Event::CancelRequested { mode: CancelMode::Kill, .. } => {
                let active = execution.active.iter().filter_map(|id| Some((*id, execution.attempts.get(id)?.target.clone())));
                self.effects.extend(active.map(|(attempt, agent)| Effect::Stop { agent, attempt }));
            }
            Event::CancelRequested { mode: CancelMode::Drain, .. } | Event::TimedOut => {
                let held = execution.active.iter().filter_map(|id| Some((*id, execution.attempts.get(id)?)));
                let unconfirmed = held.filter(|(_, held)| held.state == AttemptState::Assigned);
                self.effects.extend(unconfirmed.map(|(attempt, held)| Effect::Withdraw { agent: held.target.clone(), attempt }));
            }
            _ => {}
        }
        self.events.push(record);
        Ok(())
    }
}
