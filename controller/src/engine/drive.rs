//! Works on one execution: takes what waits for it, lets the core decide, commits, lets the consequences follow.

use super::commit::{Birth, instant};
use super::hot::{Answer, Slot};
use super::{Engine, EngineError};
use crate::audit::Handed;
use crate::clock;
use crate::reconcile::Next;
use pulse_core::Timestamp;
use pulse_core::audit::{Object, Record, digest};
use pulse_core::decide::Pass;
use pulse_core::execution::{Execution, Input, Outcome};
use pulse_core::fleet::{leaves_memory, slot_of_row, unsent};
use pulse_protocol::{AttemptId, ExecutionId, ToAgent};
use pulse_store::WriteError;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

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
        let (inputs, answers) = slot.drain(slot.appetite());
        let audited = answers.iter().any(|answer| answer.audit.is_some());
        let before = audited.then(|| standing(&execution));
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
        let audit = before.map_or_else(Vec::new, |before| rows(&answers, &done, &execution, &before));
        if let Err(error) = self.settle(&execution, &done, audit).await {
            return self.undo(id, &slot, &done, (inputs, answers), error).await;
        }
        slot.note(None);
        self.follow(&execution, &done);
        if loaded {
            self.send_unsent(&execution, &done);
        }
        let committed = !done.events.is_empty();
        for (answer, outcome) in answers.into_iter().zip(done.outcomes) {
            if let Some(handed) = answer.audit.as_ref().filter(|_| committed && outcome == Outcome::Done) {
                handed.written();
            }
            answer.send(Ok(outcome));
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
        let freed = self.inner.fleet.lock().adopt(execution);
        self.freed(freed);
    }

    /// Assignments that were committed but perhaps never sent. Saying one twice is harmless.
    fn send_unsent(&self, execution: &Execution, done: &Pass) {
        let unsent = unsent(execution, done, &*self.inner.fleet.lock(), clock::now());
        for (agent, assignment) in unsent {
            let assignments = vec![assignment];
            self.inner.fleet.send(&agent, |epoch| ToAgent::Assign { epoch, assignments, full: false });
        }
    }

    /// Decides under the fleet's lock, and takes the slots in memory before anybody else can see them free.
    fn decide(
        &self,
        execution: &mut Execution,
        inputs: &[Input],
        now: Timestamp,
    ) -> Result<Pass, pulse_core::execution::FoldError> {
        self.inner.fleet.lock().decide(execution, inputs, now, &mut fresh_attempt)
    }

    async fn settle(&self, execution: &Execution, done: &Pass, audit: Vec<Record>) -> Result<(), WriteError> {
        if done.events.is_empty() {
            return Ok(());
        }
        self.commit(execution, done, Birth::default(), audit).await
    }

    /// The commit failed: what was decided is thrown away, what came in waits for the next try. What no try could write is refused.
    async fn undo(
        &self,
        id: ExecutionId,
        slot: &Arc<Slot>,
        done: &Pass,
        (inputs, answers): (Vec<Input>, Vec<Answer>),
        error: WriteError,
    ) -> Result<Next, EngineError> {
        let freed = self.inner.fleet.lock().free(id, &done.take);
        self.freed(freed);
        if let WriteError::Unclear { .. } = &error {
            answers.iter().filter_map(|answer| answer.audit.as_ref()).for_each(Handed::unclear);
        }
        if let WriteError::Invalid { reason } = &error {
            slot.note(Some(reason.clone()));
            if answers.len() == 1 {
                answers.into_iter().for_each(|answer| answer.send(Err(error.clone().into())));
                return Err(error.into());
            }
        }
        let (again, once): (Vec<_>, Vec<_>) = inputs.into_iter().zip(answers).partition(|(input, _)| input.is_repeatable());
        once.into_iter().for_each(|(_, answer)| answer.send(Err(error.clone().into())));
        let (inputs, answers) = again.into_iter().unzip();
        slot.restore(inputs, answers);
        match error {
            WriteError::ClaimTaken { key, holder } => {
                // Another execution holds what was free in memory: believe the database, and decide again.
                tracing::warn!(key, %holder, "a claim was lost; deciding again");
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
        let Some(claim) = slot_of_row(key).map(|slot| [slot]) else { return Ok(()) };
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
            answer.send(Err(error()));
        }
        self.inner.hot.forget(id);
        Next::Asked
    }
}

/// An execution's digest, as the audit log has it: how far its history goes, and where it stands then.
pub(super) fn standing(execution: &Execution) -> String {
    let created = &execution.created;
    digest(&json!({
        "id": execution.id(),
        "snapshot": created.snapshot,
        "seq": execution.seq,
        "status": execution.status.as_str(),
    }))
}

/// What the audit log says of the inputs that are committed.
fn rows(answers: &[Answer], done: &Pass, execution: &Execution, before: &str) -> Vec<Record> {
    let after = standing(execution);
    let of = |(answer, outcome): (&Answer, &Outcome)| {
        let handed = answer.audit.as_ref().filter(|_| *outcome == Outcome::Done)?;
        Some(handed.row(object(execution.id()), Some(before.to_owned()), Some(after.clone())))
    };
    answers.iter().zip(&done.outcomes).filter_map(of).collect()
}

/// An execution as the audit log names it.
pub(super) fn object(id: ExecutionId) -> Object {
    Object { kind: "execution".to_owned(), id: id.to_string() }
}

/// A fresh attempt id: UUIDv7, so that attempts sort by time.
pub(super) fn fresh_attempt() -> AttemptId {
    AttemptId(Uuid::now_v7())
}
