//! Works on one execution: takes what waits for it, lets the core decide, commits, lets the consequences follow.

use super::commit::{Birth, instant};
use super::hot::{Answer, Slot};
use super::{Engine, EngineError};
use crate::agents::FleetState;
use crate::clock;
use crate::reconcile::Next;
use crd_schemas::manifest::ConcurrencyPolicy;
use pulse_core::Timestamp;
use pulse_core::decide::{Pass, desired, open_attempts, pass};
use pulse_core::execution::{ClaimKey, Execution, Input};
use pulse_core::transition::{AttemptState, ExecutionState};
use pulse_protocol::{AttemptId, ExecutionId, ToAgent};
use pulse_store::WriteError;
use std::sync::Arc;
use uuid::Uuid;

/// Inputs taken in by one commit.
const BATCH: usize = 1000;

impl Engine {
    /// One reconciliation of an execution.
    pub(super) async fn drive(&self, id: ExecutionId) -> Result<Next, EngineError> {
        let slot = self.inner.hot.slot(id);
        let mut state = slot.state.lock().await;
        // What is decided is decided at this time: one that comes later may follow a span that nobody could use.
        let now = self.caught_up().await.inspect_err(|_| self.trouble())?;
        let (mut execution, loaded) = match state.take() {
            Some(execution) => (execution, false),
            None => match self.read(id).await {
                Ok(Some(execution)) => {
                    self.adopt(&execution);
                    (execution, true)
                }
                Ok(None) => return Ok(self.refuse_all(id, &slot, || EngineError::NoSuchExecution(id))),
                // Nobody may wait for what cannot be mended by waiting: whoever asked is told, and asks again or does not.
                Err(EngineError::History { fault, .. }) => {
                    self.refuse_all(id, &slot, || EngineError::History { id, fault: fault.clone() });
                    return Err(EngineError::History { id, fault });
                }
                Err(error) => {
                    self.trouble();
                    return Err(error);
                }
            },
        };
        self.forgive_after_trouble();
        let (inputs, answers) = slot.drain(BATCH);
        let decided = self.decide(&mut execution, &inputs, now);
        let done = match decided {
            Ok(done) => done,
            Err(fault) => {
                slot.restore(inputs, answers);
                let fault = fault.to_string();
                self.refuse_all(id, &slot, || EngineError::History { id, fault: fault.clone() });
                return Err(EngineError::History { id, fault });
            }
        };
        if let Err(error) = self.settle(&execution, &done).await {
            return self.undo(id, &slot, &done, (inputs, answers), error).await;
        }
        self.follow(&execution, &done);
        if loaded {
            self.send_unsent(&execution, &done);
        }
        for (answer, outcome) in answers.into_iter().zip(done.outcomes) {
            // Whoever asked may be gone; the commit stands.
            drop(answer.send(Ok(outcome)));
        }
        if !slot.is_idle() {
            self.inner.queue.add(id);
        }
        let next = done.rest.wake_at.map_or(Next::Asked, |at| Next::At(instant(at, clock::now())));
        if leaves_memory(&execution) {
            drop(state);
            self.inner.hot.forget(id);
        } else {
            *state = Some(execution);
        }
        Ok(next)
    }

    /// A state that comes from the store says what the execution holds, above all after a commit whose answer was lost: what
    /// memory believed of its slots and attempts is replaced.
    fn adopt(&self, execution: &Execution) {
        let id = execution.id();
        let claims: Vec<ClaimKey> = execution.claims.iter().cloned().collect();
        let freed = {
            let mut fleet = self.inner.fleet.lock();
            let freed = fleet.disown(id);
            // Under the same lock: a place without a number would be the last one.
            name_turn(&mut fleet, execution);
            fleet.believe(id, &claims);
            for (agent, attempt) in open_attempts(execution) {
                fleet.open_attempt(agent, attempt, id);
            }
            freed
        };
        self.freed(freed);
    }

    /// Assignments that were committed but perhaps never sent. Saying one twice is harmless.
    fn send_unsent(&self, execution: &Execution, done: &Pass) {
        for id in &execution.active {
            let Some(attempt) = execution.attempts.get(id).filter(|held| held.state == AttemptState::Assigned) else { continue };
            if done.opened.iter().any(|(opened, ..)| opened == id) {
                continue;
            }
            let wanted = desired(execution, *id, &*self.inner.fleet.lock(), clock::now());
            self.inner.fleet.send(&attempt.target, |epoch| ToAgent::Assign {
                epoch,
                assignments: wanted.into_iter().collect(),
                full: false,
            });
        }
    }

    /// Decides under the fleet's lock, and takes the slots in memory before anybody else can see them free.
    fn decide(
        &self,
        execution: &mut Execution,
        inputs: &[Input],
        now: Timestamp,
    ) -> Result<Pass, pulse_core::execution::FoldError> {
        let mut fleet = self.inner.fleet.lock();
        name_turn(&mut fleet, execution);
        let done = pass(execution, inputs, &*fleet, now, &mut fresh_attempt)?;
        fleet.take(execution.id(), &done.take);
        // Under the same lock: an agent that comes, a slot that is freed, a pause that goes while this is committed finds who waits for it.
        fleet.watch(execution.id(), &done.rest.watch, &done.rest.wants_slot);
        Ok(done)
    }

    async fn settle(&self, execution: &Execution, done: &Pass) -> Result<(), WriteError> {
        if done.events.is_empty() {
            return Ok(());
        }
        self.commit(execution, done, Birth::default()).await
    }

    /// The commit failed: what was decided is thrown away, what came in waits for the next try.
    async fn undo(
        &self,
        id: ExecutionId,
        slot: &Arc<Slot>,
        done: &Pass,
        (inputs, answers): (Vec<Input>, Vec<Answer>),
        error: WriteError,
    ) -> Result<Next, EngineError> {
        let freed = self.inner.fleet.lock().free(id, &done.take);
        slot.restore(inputs, answers);
        self.freed(freed);
        match error {
            WriteError::ClaimTaken { key, holder } => {
                // Another execution holds what was free in memory: believe the database, and decide again.
                tracing::warn!(%id, key, %holder, "a claim was lost; deciding again");
                self.believe_claim(&key, holder).await?;
                self.inner.queue.add(id);
                Ok(Next::Asked)
            }
            error => Err(error.into()),
        }
    }

    /// Marks a slot or a turn as taken that the database says is, unless its holder has let go of it meanwhile.
    pub(super) async fn believe_claim(&self, key: &str, holder: ExecutionId) -> Result<(), EngineError> {
        if self.inner.fleet.lock().believe_turn(key, holder) {
            if self.inner.store.claim_holder(key).await? != Some(holder) {
                let next = self.inner.fleet.lock().free_turn(key, holder);
                next.into_iter().for_each(|id| self.wake(id));
            }
            return Ok(());
        }
        let mut parts = key.split('/');
        let (Some("slot"), Some(agent), Some(slot)) = (parts.next(), parts.next(), parts.next()) else { return Ok(()) };
        let (Ok(agent), Ok(slot)) = (agent.parse(), slot.parse()) else { return Ok(()) };
        let claim = [ClaimKey::Slot { agent, slot }];
        self.inner.fleet.lock().take(holder, &claim);
        // Looked up after it was marked: a release that commits later frees it, one that has committed is seen here.
        if self.inner.store.claim_holder(key).await? != Some(holder) {
            let freed = self.inner.fleet.lock().free(holder, &claim);
            self.freed(freed);
        }
        Ok(())
    }

    fn refuse_all(&self, id: ExecutionId, slot: &Arc<Slot>, error: impl Fn() -> EngineError) -> Next {
        let (_, answers) = slot.drain(usize::MAX);
        for answer in answers {
            drop(answer.send(Err(error())));
        }
        self.inner.hot.forget(id);
        Next::Asked
    }
}

/// Others that wait behind it are told its name, and its number says who they are.
pub(super) fn name_turn(fleet: &mut FleetState, execution: &Execution) {
    if execution.program.concurrency != ConcurrencyPolicy::Allow && !execution.status.is_terminal() {
        fleet.name(execution.id(), execution.name(), execution.created.number);
    }
}

/// What is over, or waits for somebody, is loaded again when it is needed.
fn leaves_memory(execution: &Execution) -> bool {
    matches!(execution.status, ExecutionState::Ended(_) | ExecutionState::Waiting(_))
}

/// A fresh attempt id: UUIDv7, so that attempts sort by time.
pub(super) fn fresh_attempt() -> AttemptId {
    AttemptId(Uuid::now_v7())
}
