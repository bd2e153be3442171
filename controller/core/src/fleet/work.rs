//! What an execution's way through a controller does to the hot state: read, decided, committed, or thrown away. The order is the
//! caller's, and it is always this one: decide, commit, and only then [`Fleet::follow`]; whatever was not committed is let go of.

use super::{Fleet, Freed};
use crate::decide::{Effect, Pass, World, desired, open_attempts, pass};
use crate::execution::{ClaimKey, EventRecord, Execution, FoldError, Input, claim_change};
use crate::time::Timestamp;
use crate::transition::{AttemptState, ExecutionState};
use crd_schemas::manifest::ConcurrencyPolicy;
use pulse_protocol::{AgentName, Assignment, AttemptId, Desired};
use std::collections::BTreeMap;

/// What follows a commit.
#[derive(Debug, Default)]
#[must_use]
pub struct Followed {
    /// What was let go of.
    pub freed: Freed,
    /// What agents are told. Losing it loses only time.
    pub assignments: BTreeMap<AgentName, Vec<Assignment>>,
}

impl<S: Clone> Fleet<S> {
    /// A fresh execution's first pass, which is committed together with its first event.
    pub fn begin(
        &mut self,
        execution: &mut Execution,
        first: EventRecord,
        now: Timestamp,
        ids: &mut dyn FnMut() -> AttemptId,
    ) -> Result<Pass, FoldError> {
        let claims = claim_change(None, &execution.program, &first.event).take;
        self.name_turn(execution);
        let mut done = pass(execution, &[], &*self, now, ids)?;
        done.events.insert(0, first);
        // A claim that is let go of within the first pass is never written: a workflow that is over, a place that nobody waits in.
        for claim in claims {
            match done.release.iter().position(|released| *released == claim) {
                Some(index) => drop(done.release.remove(index)),
                None => done.take.push(claim),
            }
        }
        self.take(execution.id(), &done.take);
        Ok(done)
    }

    /// Decides, and takes slots and turns in memory before anybody else can see them free. If the commit fails, they are freed again.
    pub fn decide(
        &mut self,
        execution: &mut Execution,
        inputs: &[Input],
        now: Timestamp,
        ids: &mut dyn FnMut() -> AttemptId,
    ) -> Result<Pass, FoldError> {
        self.name_turn(execution);
        let done = pass(execution, inputs, &*self, now, ids)?;
        self.take(execution.id(), &done.take);
        // With the decision: an agent that comes, a slot that is freed, a pause that goes while this is committed finds who waits for it.
        self.watch(execution.id(), &done.rest.watch, &done.rest.wants_slot);
        Ok(done)
    }

    /// A state that comes from the store says what the execution holds, above all after a commit whose answer was lost: what
    /// memory believed of its slots and attempts is replaced.
    pub fn adopt(&mut self, execution: &Execution) -> Freed {
        let id = execution.id();
        let claims: Vec<ClaimKey> = execution.claims.iter().cloned().collect();
        let freed = self.disown(id);
        // First its name: a place without a number would be the last one.
        self.name_turn(execution);
        self.believe(id, &claims);
        for (agent, attempt) in open_attempts(execution) {
            self.open_attempt(agent, attempt, id);
        }
        freed
    }

    /// A pass is committed.
    pub fn follow(&mut self, execution: &Execution, pass: &Pass) -> Followed {
        let id = execution.id();
        let freed = self.free(id, &pass.release);
        for (attempt, agent, _) in &pass.opened {
            self.open_attempt(agent, *attempt, id);
        }
        let closed = pass.closed.iter().filter_map(|closed| Some((execution.attempts.get(closed)?.target.clone(), *closed)));
        self.close_attempts(&closed.collect::<Vec<_>>());
        self.watch(id, &pass.rest.watch, &pass.rest.wants_slot);
        Followed { freed, assignments: by_agent(execution, &pass.effects) }
    }

    /// Others that wait behind it are told its name, and its number says who they are.
    fn name_turn(&mut self, execution: &Execution) {
        if execution.program.concurrency != ConcurrencyPolicy::Allow && !execution.status.is_terminal() {
            self.name(execution.id(), execution.name(), execution.created.number);
        }
    }
}

/// The slot that a row of claims names.
pub fn slot_of_row(key: &str) -> Option<ClaimKey> {
    let (agent, slot) = key.strip_prefix("slot/")?.split_once('/')?;
    Some(ClaimKey::Slot { agent: agent.parse().ok()?, slot: slot.parse().ok()? })
}

/// Assignments that were committed but perhaps never sent, of an execution that was read from the store. Saying one twice is
/// harmless.
pub fn unsent(execution: &Execution, done: &Pass, world: &dyn World, now: Timestamp) -> Vec<(AgentName, Assignment)> {
    let unconfirmed = execution.active.iter().filter_map(|id| {
        let attempt = execution.attempts.get(id).filter(|held| held.state == AttemptState::Assigned)?;
        let is_new = done.opened.iter().any(|(opened, ..)| opened == id);
        if is_new { None } else { Some((attempt.target.clone(), desired(execution, *id, world, now)?)) }
    });
    unconfirmed.collect()
}

/// What is over, or waits for somebody, is loaded again when it is needed.
pub fn leaves_memory(execution: &Execution) -> bool {
    matches!(execution.status, ExecutionState::Ended(_) | ExecutionState::Waiting(_))
}

fn by_agent(execution: &Execution, effects: &[Effect]) -> BTreeMap<AgentName, Vec<Assignment>> {
    let mut sorted: BTreeMap<AgentName, Vec<Assignment>> = BTreeMap::new();
    for effect in effects {
        match effect {
            Effect::Assign { agent, assignment } => sorted.entry(agent.clone()).or_default().push((**assignment).clone()),
            Effect::Stop { agent, attempt } | Effect::Withdraw { agent, attempt } => {
                let Some(held) = execution.attempts.get(attempt) else { continue };
                let desired = if matches!(effect, Effect::Stop { .. }) { Desired::Stop } else { Desired::Withdraw };
                sorted.entry(agent.clone()).or_default().push(Assignment {
                    attempt: *attempt,
                    execution: execution.id(),
                    incarnation: held.incarnation,
                    desired,
                    command: None,
                });
            }
        }
    }
    sorted
}
