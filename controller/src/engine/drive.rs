//! Works on one execution: takes what waits for it, lets the core decide, commits, lets the consequences follow.

use super::commit::{Birth, instant};
use super::hot::{Answer, Slot};
use super::{Engine, EngineError};
use crate::clock;
use crate::reconcile::Next;
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
        let mut execution = match state.take() {
            Some(execution) => execution,
            None => match self.read(id).await? {
                Some(execution) => {
                    self.adopt(&execution);
                    execution
                }
                None => return Ok(self.refuse_all(id, &slot)),
            },
        };
        let (inputs, answers) = slot.drain(BATCH);
        let decided = self.decide(&mut execution, &inputs);
        let done = match decided {
            Ok(done) => done,
            Err(fault) => {
                slot.restore(inputs, answers);
                return Err(EngineError::history(id, &fault));
            }
        };
        if let Err(error) = self.settle(&execution, &done).await {
            return self.undo(id, &slot, done, (inputs, answers), error);
        }
        self.follow(&execution, &done);
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

    /// A state that comes from the store may hold what memory does not know, above all after a commit whose answer was lost:
    /// slots, open attempts, assignments that nobody sent. Each of these is harmless to say twice.
    fn adopt(&self, execution: &Execution) {
        let mut wanted = Vec::new();
        {
            let mut fleet = self.inner.fleet.lock();
            let claims: Vec<ClaimKey> = execution.claims.iter().cloned().collect();
            fleet.take(&claims);
            for (agent, attempt) in open_attempts(execution) {
                fleet.open_attempt(agent, attempt, execution.id());
                let unsent = execution.attempts.get(&attempt).is_some_and(|held| held.state == AttemptState::Assigned);
                wanted.extend(unsent.then(|| desired(execution, attempt, &*fleet)).flatten().map(|sent| (agent.clone(), sent)));
            }
        }
        for (agent, assignment) in wanted {
            self.inner.fleet.send(&agent, |epoch| ToAgent::Assign { epoch, assignments: vec![assignment], full: false });
        }
    }

    /// Decides under the fleet's lock, and takes the slots in memory before anybody else can see them free.
    fn decide(&self, execution: &mut Execution, inputs: &[Input]) -> Result<Pass, pulse_core::execution::FoldError> {
        let mut fleet = self.inner.fleet.lock();
        let done = pass(execution, inputs, &*fleet, clock::now(), &mut fresh_attempt)?;
        fleet.take(&done.take);
        Ok(done)
    }

    async fn settle(&self, execution: &Execution, done: &Pass) -> Result<(), WriteError> {
        if done.events.is_empty() {
            return Ok(());
        }
        self.commit(execution, done, Birth::default()).await
    }

    /// The commit failed: what was decided is thrown away, what came in waits for the next try.
    fn undo(
        &self,
        id: ExecutionId,
        slot: &Arc<Slot>,
        done: Pass,
        (inputs, answers): (Vec<Input>, Vec<Answer>),
        error: WriteError,
    ) -> Result<Next, EngineError> {
        self.inner.fleet.lock().free(&done.take);
        slot.restore(inputs, answers);
        match error {
            WriteError::ClaimTaken { key, holder } => {
                // Another execution holds what was free in memory: believe the database, and decide again.
                tracing::warn!(%id, key, %holder, "a claim was lost; deciding again");
                self.believe_claim(&key);
                self.inner.queue.add(id);
                Ok(Next::Asked)
            }
            WriteError::Stale { .. } => {
                tracing::warn!(%id, "the state in memory was not the committed one; loading it again");
                self.inner.queue.add(id);
                Ok(Next::Asked)
            }
            error => Err(error.into()),
        }
    }

    /// Marks a slot as taken that the database says is.
    pub(super) fn believe_claim(&self, key: &str) {
        let mut parts = key.split('/');
        let (Some("slot"), Some(agent), Some(slot)) = (parts.next(), parts.next(), parts.next()) else { return };
        if let (Ok(agent), Ok(slot)) = (agent.parse(), slot.parse()) {
            self.inner.fleet.lock().take(&[ClaimKey::Slot { agent, slot }]);
        }
    }

    fn refuse_all(&self, id: ExecutionId, slot: &Arc<Slot>) -> Next {
        let (_, answers) = slot.drain(usize::MAX);
        for answer in answers {
            drop(answer.send(Err(EngineError::NoSuchExecution(id))));
        }
        self.inner.hot.forget(id);
        Next::Asked
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
