//! Retention at work: from time to time the past is looked through, and what the rule of `pulse_core::retention` names goes, step by step. The
//! steps are small transactions; between two of them whoever writes goes first, and a stop ends it at once. What is left over goes next time.

mod agents;
mod audit;
mod executions;
mod report;

use crate::audit::Audit;
use crate::engine::Engine;
use pulse_core::retention::Retention;
use pulse_store::Error;
use report::Report;
use std::time::Duration;
use tokio::sync::watch;

/// The pause between two steps.
const PACE: Duration = Duration::from_millis(20);
/// How long a step waits while others have something to write. Longer, and what is kept would grow for ever under load that never ends.
const PATIENCE: Duration = Duration::from_secs(5);
/// The first look after a start comes soon, but not before what is open is at work again.
const FIRST: Duration = Duration::from_secs(10);

/// When retention runs, and what it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// What is kept.
    pub retention: Retention,
    /// The pause between two runs.
    pub every: Duration,
}

impl Default for Keep {
    fn default() -> Self {
        Self { retention: Retention::default(), every: Duration::from_secs(600) }
    }
}

/// The loop.
pub(crate) struct Keeper {
    engine: Engine,
    audit: Audit,
    keep: Keep,
    stopping: watch::Receiver<bool>,
}

/// Why a run ends before its end.
enum Halt {
    /// The controller stops.
    Stop,
    /// The database is away, or another controller's.
    Store(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Keeper {
    pub(crate) fn new(engine: Engine, audit: Audit, keep: Keep, stopping: watch::Receiver<bool>) -> Self {
        Self { engine, audit, keep, stopping }
    }

    /// Runs until the stop.
    pub(crate) async fn run(mut self) {
        let mut wait = FIRST.min(self.keep.every);
        while !self.stops_within(wait).await {
            wait = self.keep.every;
            let mut report = Report::default();
            let ended = self.once(&mut report).await;
            report.tell(&self.audit).await;
            match ended {
                Ok(()) => {}
                Err(Halt::Stop) => return,
                Err(Halt::Store(error)) => tracing::warn!(%error, "retention breaks off; it goes on at its next turn"),
            }
        }
    }

    /// Everything once: what an earlier run, or an earlier controller, left half done comes first.
    async fn once(&mut self, report: &mut Report) -> Result<(), Halt> {
        self.sweep(report).await?;
        self.executions(report).await?;
        self.agents(report).await?;
        // Last: an account that may not delete there keeps nothing else from going.
        self.audit(report).await
    }

    async fn stops_within(&mut self, wait: Duration) -> bool {
        tokio::time::timeout(wait, self.stopping.wait_for(|stopping| *stopping)).await.is_ok()
    }

    /// Before each step: a pause, and whoever has something to write goes first.
    async fn step(&mut self) -> Result<(), Halt> {
        let mut waited = Duration::ZERO;
        loop {
            if self.stops_within(PACE).await {
                return Err(Halt::Stop);
            }
            waited += PACE;
            if !self.engine.store().is_busy() || waited >= PATIENCE {
                return Ok(());
            }
        }
    }
}
