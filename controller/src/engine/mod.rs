//! Executions at work: the hot state, and the only way to change it. Whatever comes from outside is put in an execution's inbox
//! and its key in the queue; a worker takes everything that waits, lets the core decide, commits once, and only then answers,
//! sends and wakes.
//!
//! ```text
//! API, agents, timers ─▶ inbox + queue ─▶ drive: pass (core) ─▶ commit (store) ─▶ answers, effects, notices, next wake
//! ```

mod boot;
mod command;
mod commit;
mod detached;
mod drive;
mod dry_run;
mod error;
mod held;
mod hot;
mod live;
mod people;
mod retry;
mod schedule;
mod sealed;
mod sessions;
mod stall;
mod start;
mod sweep;
#[cfg(test)]
mod tests;

pub use command::{Labelled, ReadyCommand};
pub use dry_run::{DryRun, DryStep};
pub use error::{EngineError, StartError};
pub use held::Held;
pub use live::Live;
pub use retry::{Repeat, Retried, RetryError};
pub use schedule::{LiveSchedule, ScheduleKey};
pub use sessions::Sessions;
pub use start::{Idempotency, StartRequest, Started};

use crate::agents::{FleetHandle, Freed};
use crate::audit::Handed;
use crate::feed::Feed;
use crate::metrics::{Loop, Metrics};
use crate::reconcile::Queue;
use crate::traces::Tracer;
use hot::Hot;
use pulse_core::decide::{Reason, explain};
use pulse_core::execution::{CancelMode, Execution, Input, Outcome, Summary};
use pulse_protocol::{AgentName, ExecutionId, ToAgent};
use pulse_store::Store;
use sealed::Seals;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};
use tokio::sync::{oneshot, watch};

/// Executions worked on side by side. Each waits for its commit, and commits are grouped, so this bounds the size of a group.
const WORKERS: usize = 64;

/// How long a caller waits for its commit before it is told that it goes on without it.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);

/// A handle of the engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) fleet: FleetHandle,
    hot: Hot,
    seals: Seals,
    queue: Queue<ExecutionId>,
    /// Schedules to look at.
    scheduled: Queue<ScheduleKey>,
    live: RwLock<Arc<Live>>,
    /// Who changes what is live: one at a time, from reading to the end.
    defining: tokio::sync::Mutex<()>,
    /// Who reads the pauses: one at a time.
    pausing: tokio::sync::Mutex<()>,
    numbers: start::Numbers,
    /// See [`Engine::witness_since`]; 0 where it was not restored.
    witness_since: AtomicU64,
    sweep: Mutex<sweep::Sweep>,
    feed: Feed,
    metrics: Metrics,
    tracer: Tracer,
    fenced: tokio::sync::Notify,
    /// False once the leases may have expired.
    leased: watch::Sender<bool>,
    /// The agents' sessions, and whether they are sent away.
    sessions: sessions::Sessions,
    /// When the database has answered last.
    answered: stall::Answered,
    /// The database failed since the last commit.
    troubled: AtomicBool,
    /// Counts what made this controller blind for a while.
    troubles: watch::Sender<u64>,
}

impl Engine {
    /// An engine over a store, with nothing loaded yet; see [`Engine::boot`].
    pub fn new(store: Store, fleet: FleetHandle) -> Self {
        Self::watched(store, fleet, Metrics::default(), Tracer::default())
    }

    /// The same, with somebody who watches what is counted.
    pub fn watched(store: Store, fleet: FleetHandle, metrics: Metrics, tracer: Tracer) -> Self {
        let inner = Inner {
            store,
            fleet,
            hot: Hot::default(),
            seals: Seals::default(),
            queue: Queue::new(),
            scheduled: Queue::new(),
            live: RwLock::default(),
            defining: tokio::sync::Mutex::new(()),
            pausing: tokio::sync::Mutex::new(()),
            numbers: start::Numbers::default(),
            witness_since: AtomicU64::new(0),
            sweep: Mutex::default(),
            feed: Feed::new(uuid::Uuid::new_v4().simple().to_string()),
            metrics,
            tracer,
            fenced: tokio::sync::Notify::new(),
            leased: watch::channel(true).0,
            sessions: sessions::Sessions::default(),
            answered: stall::Answered::default(),
            troubled: AtomicBool::new(false),
            troubles: watch::channel(0).0,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Works until [`Engine::stop`].
    pub async fn run(&self) {
        let engine = self.clone();
        let work = move |id| {
            let engine = engine.clone();
            async move {
                let begun = tokio::time::Instant::now();
                let driven = engine.drive(id).await;
                engine.metrics().work().reconciled(Loop::Executions, begun.elapsed(), driven.is_ok());
                driven
            }
        };
        let span = |id: &ExecutionId| tracing::info_span!("execution", execution = %id);
        crate::reconcile::run(self.inner.queue.clone(), WORKERS, span, work).await;
    }

    /// Ends [`Engine::run`] once what is being committed is committed.
    pub fn stop(&self) {
        self.inner.queue.close();
        self.inner.scheduled.close();
    }

    /// Waits until another controller has taken over: what is in memory here is worth nothing any more, and the process must end.
    pub async fn fenced(&self) {
        self.inner.fenced.notified().await;
    }

    /// Says that another controller has taken over; see [`Engine::fenced`].
    pub fn lost(&self) {
        tracing::error!("another controller has taken over; this one writes nothing more");
        self.inner.fenced.notify_one();
    }

    /// Says whether the leases hold, or may have expired because the database could not be reached.
    pub fn set_leased(&self, leased: bool) {
        if leased {
            // The agents could not be heard: nobody would have listened.
            self.forgive_silence();
        }
        self.inner.leased.send_replace(leased);
    }

    /// Waits until the leases may have expired. Another controller may be active from then on, so that agents and people are sent
    /// away; what is written is for the fence to say, as ever.
    pub async fn cut_off(&self) {
        // Its sender lives as long as the engine.
        drop(self.inner.leased.subscribe().wait_for(|leased| !leased).await);
    }

    /// Waits until the leases hold.
    pub async fn leased(&self) {
        drop(self.inner.leased.subscribe().wait_for(|leased| *leased).await);
    }

    /// The agents' sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.inner.sessions
    }

    /// The agents.
    pub fn fleet(&self) -> &FleetHandle {
        &self.inner.fleet
    }

    /// Hints about changes.
    pub fn feed(&self) -> &Feed {
        &self.inner.feed
    }

    /// Asks to end an execution.
    pub async fn cancel(&self, id: ExecutionId, mode: CancelMode, by: String, reason: String) -> Result<Outcome, EngineError> {
        self.submit(id, Input::Cancel { mode, by, reason }, None).await
    }

    /// Hands an input in and waits until it is committed or refused. Where a person asked, what the audit log says of it goes with the
    /// commit.
    pub async fn submit(&self, id: ExecutionId, input: Input, audit: Option<Handed>) -> Result<Outcome, EngineError> {
        let answered = tokio::time::timeout(PATIENCE, self.push(id, input, audit)?).await;
        answered.map_err(|_| EngineError::NotYet(id))?.map_err(|_| EngineError::Stopping)?
    }

    /// Hands an input in, in this moment and order; what became of it comes later.
    pub fn enqueue(&self, id: ExecutionId, input: Input) -> Result<oneshot::Receiver<Result<Outcome, EngineError>>, EngineError> {
        self.push(id, input, None)
    }

    fn push(
        &self,
        id: ExecutionId,
        input: Input,
        audit: Option<Handed>,
    ) -> Result<oneshot::Receiver<Result<Outcome, EngineError>>, EngineError> {
        let (answer, answered) = oneshot::channel();
        self.inner.hot.push(id, input, hot::Answer::new(answer, audit))?;
        self.inner.queue.add(id);
        Ok(answered)
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Who is told what is over.
    pub fn tracer(&self) -> &Tracer {
        &self.inner.tracer
    }

    /// How many executions and schedules are to be looked at now, or are looked at.
    pub fn depths(&self) -> (usize, usize) {
        (self.inner.queue.depth(), self.inner.scheduled.depth())
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Look at an execution soon.
    pub fn wake(&self, id: ExecutionId) {
        self.inner.queue.add(id);
    }

    /// This agent came or went: look at the executions to which that matters.
    pub fn presence_changed(&self, agent: &AgentName) {
        let watchers = self.inner.fleet.lock().presence_watchers(agent);
        watchers.into_iter().for_each(|id| self.wake(id));
    }

    /// The database has it that this agent is revoked: nothing more goes to it, and whoever waits for it is told.
    pub fn agent_revoked(&self, agent: &AgentName) {
        let (session, open) = {
            let mut fleet = self.inner.fleet.lock();
            let session = fleet.session_of(agent);
            fleet.revoke(agent);
            (session, fleet.open_of(agent))
        };
        // Only courtesy: from now on nothing that this session says is heard, whether it learns why or not.
        if let Some((_, outbox)) = session {
            let message = "the agent was revoked; enrol it anew with a token if that was a mistake".to_owned();
            let refused = ToAgent::Refused { code: "revoked".to_owned(), message, retry_after_ms: None };
            let _ = outbox.try_send(refused);
        }
        open.into_iter().for_each(|(_, execution)| self.wake(execution));
        self.presence_changed(agent);
    }

    /// Slots and turns were freed: look at the executions that wait for one.
    fn freed(&self, freed: Freed) {
        for agent in freed.agents {
            let watchers = self.inner.fleet.lock().slot_watchers(&agent);
            watchers.into_iter().for_each(|id| self.wake(id));
        }
        freed.next.into_iter().for_each(|id| self.wake(id));
    }

    /// An execution's committed state; `None` if there is none of this id.
    pub async fn view(&self, id: ExecutionId) -> Result<Option<Arc<Execution>>, EngineError> {
        Ok(self.load(id).await?.map(Arc::new))
    }

    /// Why it stands where it stands.
    pub async fn why(&self, id: ExecutionId) -> Result<Option<Vec<Reason>>, EngineError> {
        let Some(execution) = self.load(id).await? else { return Ok(None) };
        let mut reasons = explain(&execution, &*self.inner.fleet.lock(), crate::clock::now());
        reasons.extend(self.inner.hot.unwritable(id).map(Reason::unwritable));
        Ok(Some(reasons))
    }

    /// An execution's row, by id or as `workflow#812`.
    pub async fn find(&self, text: &str) -> Result<Option<Summary>, EngineError> {
        Ok(self.inner.store.find_execution(text).await?)
    }
}
