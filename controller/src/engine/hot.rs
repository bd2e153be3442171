//! Executions in memory, each with its inbox. What is here can always be loaded again; nothing is true only because it is here.

use super::{Engine, EngineError};
use crate::audit::Handed;
use pulse_core::definitions::{Program, Snapshot};
use pulse_core::execution::{Event, Execution, Input, Outcome};
use pulse_protocol::ExecutionId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::oneshot;

/// Inputs taken in by one commit.
const BATCH: usize = 1000;
/// Inputs that may wait for one execution.
const INBOX: usize = 20_000;

/// Who is told what became of an input.
pub(super) struct Answer {
    to: oneshot::Sender<Result<Outcome, EngineError>>,
    /// What the audit log says of it, where a person asked.
    pub(super) audit: Option<Handed>,
}

impl Answer {
    pub(super) const fn new(to: oneshot::Sender<Result<Outcome, EngineError>>, audit: Option<Handed>) -> Self {
        Self { to, audit }
    }

    /// Says what became of it. Whoever asked may be gone.
    pub(super) fn send(self, outcome: Result<Outcome, EngineError>) {
        // What was not written by now is for whoever asked to write.
        drop(self.audit);
        drop(self.to.send(outcome));
    }
}

/// The executions in memory and the compiled programs they share.
#[derive(Default)]
pub(super) struct Hot {
    slots: Mutex<HashMap<ExecutionId, Arc<Slot>>>,
    programs: Mutex<HashMap<String, Weak<Program>>>,
}

/// One execution: its state, once loaded, and what waits for it.
#[derive(Default)]
pub(super) struct Slot {
    /// Held while the execution is worked on, so that readers see committed states only.
    pub(super) state: tokio::sync::Mutex<Option<Execution>>,
    inbox: Mutex<VecDeque<(Input, Answer)>>,
    /// What was decided last could not be written: why, until something can be.
    unwritable: Mutex<Option<String>>,
}

impl Slot {
    fn inbox(&self) -> MutexGuard<'_, VecDeque<(Input, Answer)>> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes at most `limit` inputs, the oldest first.
    pub(super) fn drain(&self, limit: usize) -> (Vec<Input>, Vec<Answer>) {
        let mut inbox = self.inbox();
        let count = inbox.len().min(limit);
        inbox.drain(..count).unzip()
    }

    /// Puts inputs back, as if they had never been taken.
    pub(super) fn restore(&self, inputs: Vec<Input>, answers: Vec<Answer>) {
        let mut inbox = self.inbox();
        for pair in inputs.into_iter().zip(answers).rev() {
            inbox.push_front(pair);
        }
    }

    fn unwritable(&self) -> MutexGuard<'_, Option<String>> {
        self.unwritable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes whether what was decided could be written, and if not, why.
    pub(super) fn note(&self, unwritable: Option<String>) {
        *self.unwritable() = unwritable;
    }

    /// How many inputs one commit takes in: all that wait, and one by one while it is not known which of them cannot be written.
    pub(super) fn appetite(&self) -> usize {
        if self.unwritable().is_some() { 1 } else { BATCH }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.inbox().is_empty()
    }
}

impl Hot {
    fn slots(&self) -> MutexGuard<'_, HashMap<ExecutionId, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slot of an execution, made if it is not there.
    pub(super) fn slot(&self, id: ExecutionId) -> Arc<Slot> {
        Arc::clone(self.slots().entry(id).or_default())
    }

    /// Puts an input into an execution's inbox.
    pub(super) fn push(&self, id: ExecutionId, input: Input, answer: Answer) -> Result<(), EngineError> {
        // Under the map's lock, so that no slot is forgotten between being found and being filled.
        let mut slots = self.slots();
        let mut inbox = slots.entry(id).or_default().inbox();
        if inbox.len() >= INBOX {
            return Err(EngineError::Overloaded(id));
        }
        inbox.push_back((input, answer));
        Ok(())
    }

    /// Puts a fresh execution in, right after its first commit.
    pub(super) fn insert(&self, execution: Execution) {
        let slot = Slot { state: tokio::sync::Mutex::new(Some(execution.clone())), ..Slot::default() };
        self.slots().entry(execution.id()).or_insert_with(|| Arc::new(slot));
    }

    /// Why what was decided last for an execution could not be written.
    pub(super) fn unwritable(&self, id: ExecutionId) -> Option<String> {
        self.slots().get(&id)?.unwritable().clone()
    }

    /// Forgets an execution unless something waits for it.
    pub(super) fn forget(&self, id: ExecutionId) {
        let mut slots = self.slots();
        if slots.get(&id).is_some_and(|slot| slot.is_idle()) {
            slots.remove(&id);
        }
    }

    /// The program of a snapshot, compiled once while anybody uses it.
    pub(super) fn program(&self, digest: &str, snapshot: &Snapshot) -> Result<Arc<Program>, String> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = programs.get(digest).and_then(Weak::upgrade) {
            return Ok(program);
        }
        let compiled = Program::of(snapshot);
        let program = Arc::new(compiled.map_err(|findings| {
            findings.first().map_or_else(|| "it does not compile".to_owned(), |finding| finding.message.clone())
        })?);
        programs.retain(|_, program| program.strong_count() > 0);
        programs.insert(digest.to_owned(), Arc::downgrade(&program));
        Ok(program)
    }
}

impl Engine {
    /// A copy of an execution's committed state, from memory or from the store.
    pub(super) async fn load(&self, id: ExecutionId) -> Result<Option<Execution>, EngineError> {
        let slot = self.inner.hot.slots().get(&id).cloned();
        if let Some(slot) = slot
            && let Some(execution) = slot.state.lock().await.as_ref()
        {
            return Ok(Some(execution.clone()));
        }
        self.read(id).await
    }

    /// An execution's state from the store.
    pub(super) async fn read(&self, id: ExecutionId) -> Result<Option<Execution>, EngineError> {
        let history = self.inner.store.history(id).await?;
        let Some(first) = history.first() else { return Ok(None) };
        let broken = |fault: String| EngineError::History { id, fault };
        let Event::Created(created) = &first.event else { return Err(broken("its first event is not `created`".into())) };
        let body = self.inner.store.snapshot(&created.snapshot).await?;
        let body = body.ok_or_else(|| broken(format!("its snapshot {} is missing", created.snapshot)))?;
        let snapshot: Snapshot = serde_json::from_str(&body).map_err(|error| broken(format!("its snapshot: {error}")))?;
        let program = self.inner.hot.program(&created.snapshot, &snapshot).map_err(broken)?;
        let execution = Execution::replay(program, &history).map_err(|fault| EngineError::history(id, &fault))?;
        Ok(Some(execution))
    }
}
