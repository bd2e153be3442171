//! Schedules at work. A look at one reads what is true (its live manifest, its row, its open executions), lets the core decide,
//! writes that as one transaction, and says when to look again. Nothing is true only because it is here.
//!
//! ```text
//! sync, end of an execution, timer, scan ─▶ queue ─▶ look: row + world ─▶ decide (core) ─▶ advance, or execution with its slot
//! ```

mod look;
mod scan;
mod status;
mod steady;
#[cfg(test)]
pub(crate) mod tests;
mod tidy;

pub use status::{Resting, ScheduleStatus};

use crate::clock::Clock;
use crate::engine::{Engine, EngineError, ScheduleKey};
use crate::metrics::Loop;
use crate::reconcile::{self, Next};
use pulse_core::Timestamp;
use pulse_store::WriteError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use steady::Steady;
use tokio::time::Instant;

/// Schedules looked at side by side.
const WORKERS: usize = 16;
/// How often every schedule is looked over, whatever hint was lost.
const SCAN: Duration = Duration::from_secs(30);
/// The pause before a look that met no database is tried again: shorter than any `startingDeadline`.
const AWAY: Duration = Duration::from_secs(1);
/// A timer is set no further ahead; the scan sets it again.
const FURTHEST: Duration = Duration::from_secs(3600);

/// A handle of the scheduler; clones share it.
#[derive(Clone)]
pub struct Scheduler {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    clock: Clock,
    /// Nothing fires, whatever manifests say: every schedule is as if it were suspended.
    rests: bool,
    steady: Steady,
    /// The last look met what another try may heal: mostly a database that does not answer.
    away: AtomicBool,
}

impl Scheduler {
    /// A scheduler over an engine that has booted. One that `rests` starts nothing, and its schedules are
    /// suspended.
    pub fn new(engine: Engine, clock: Clock, rests: bool) -> Self {
        let steady = Steady::new(clock.now(), engine.unsteady());
        Self { inner: Arc::new(Inner { engine, clock, rests, steady, away: AtomicBool::new(false) }) }
    }

    /// Works until the engine stops.
    pub async fn run(&self) {
        let scheduler = self.clone();
        let work = move |key| {
            let scheduler = scheduler.clone();
            async move { scheduler.reconcile(&key).await }
        };
        let queue = self.inner.engine.scheduled().clone();
        tokio::select! {
            () = reconcile::run(queue, WORKERS, |key| tracing::info_span!("schedule", schedule = %key), work) => {}
            () = self.keep_scanning() => {}
        }
    }

    /// One turn of the loop. A database that is away is asked again soon, so that a slot is late and not missed.
    async fn reconcile(&self, key: &ScheduleKey) -> Result<Next, EngineError> {
        let inner = &self.inner;
        let begun = Instant::now();
        let looked = self.look(key).await;
        inner.engine.metrics().work().reconciled(Loop::Schedules, begun.elapsed(), looked.is_ok());
        match looked {
            Ok(wake) => {
                if inner.away.swap(false, Ordering::Relaxed) {
                    tracing::info!("schedules go on");
                    inner.steady.begin(inner.clock.now());
                }
                Ok(wake.map_or(Next::Asked, |at| Next::At(self.instant(at))))
            }
            Err(error) if is_away(&error) => {
                if !inner.away.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, schedule = %key, "a schedule cannot go on for now; what is due is tried until its deadline");
                }
                Ok(Next::At(Instant::now() + AWAY))
            }
            Err(error) => Err(error),
        }
    }

    /// The instant of the tokio clock that a time stands for now.
    fn instant(&self, at: Timestamp) -> Instant {
        let ahead = Duration::from_millis(at.since(self.inner.clock.now()).as_millis().saturating_add(1));
        Instant::now() + ahead.min(FURTHEST)
    }
}

/// Whether it may go well a moment later though nobody mends anything.
fn is_away(error: &EngineError) -> bool {
    match error {
        EngineError::Database(error) => error.is_transient(),
        EngineError::Commit(error) => matches!(error, WriteError::Database { .. } | WriteError::Unclear { .. }),
        EngineError::NotYet(_) | EngineError::Contended => true,
        _ => false,
    }
}
