//! What there is to say of a schedule, for the API.

use super::Scheduler;
use crate::engine::{EngineError, LiveSchedule};
use pulse_core::Timestamp;
use pulse_core::pause::Pause;
use pulse_core::schedule::{OpenExecution, Upcoming, Waiting, decide};
use pulse_store::{Fired, ScheduleRow};

/// Fire times that are shown.
const UPCOMING: usize = 10;

/// How a schedule stands.
#[derive(Debug)]
pub struct ScheduleStatus {
    /// Why nothing fires, if nothing does.
    pub resting: Option<Resting>,
    /// The pause that holds it.
    pub pause: Option<Pause>,
    /// What it waits for, in a sentence.
    pub waiting: String,
    /// The next slots.
    pub upcoming: Vec<Upcoming>,
    /// Executions that it started and that are not over.
    pub open: Vec<OpenExecution>,
    /// The slot that fired last.
    pub fired: Option<Fired>,
    /// Up to here every slot is settled.
    pub settled_until: Option<Timestamp>,
}

/// Why a schedule fires nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resting {
    /// Its manifest says `suspend: true`.
    Manifest,
    /// This controller fires no schedule.
    Controller,
    /// This release cannot read its timing.
    Unreadable(String),
}

impl Scheduler {
    /// How a schedule stands now. `row` is its row.
    pub async fn status(&self, live: &LiveSchedule, row: Option<&ScheduleRow>) -> Result<ScheduleStatus, EngineError> {
        let now = self.inner.clock.now();
        let world = self.world(live, row, now).await?;
        let (fired, settled_until) = (row.and_then(|row| row.fired), row.map(|row| row.state.watermark));
        let resting = match &live.compiled {
            Err(fault) => Some(Resting::Unreadable(fault.clone())),
            Ok(_) if self.inner.rests => Some(Resting::Controller),
            Ok(compiled) if compiled.suspended => Some(Resting::Manifest),
            Ok(_) => None,
        };
        let held = live.compiled.as_ref().ok().and_then(|compiled| compiled.held(&world, |pause| pause.is_active(now)));
        let pause = held.cloned();
        let (waiting, upcoming) = match (&live.compiled, &resting) {
            (Ok(compiled), None) => {
                let state = row.map(|row| &row.state);
                let after = state.map_or(now, |state| state.watermark.max(now));
                let decision = decide(compiled, state, &world, now);
                let waiting = match decision.waiting {
                    Waiting::Nothing if decision.state.is_some() => "its next look, which comes at once".to_owned(),
                    Waiting::Nothing => "nothing: no slot is to come".to_owned(),
                    waiting => waiting.to_string(),
                };
                (waiting, compiled.upcoming(after, UPCOMING))
            }
            (_, resting) => (resting.as_ref().map_or_else(String::new, ToString::to_string), Vec::new()),
        };
        Ok(ScheduleStatus { resting, pause, waiting, upcoming, open: world.open, fired, settled_until })
    }
}

impl Resting {
    /// A word for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Controller => "controller",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

impl std::fmt::Display for Resting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Manifest => f.write_str("its manifest says `suspend: true`"),
            Self::Controller => f.write_str("`pulse-controller dev` runs no schedules unless it is started with --schedules"),
            Self::Unreadable(fault) => write!(f, "this release cannot run it: {fault}"),
        }
    }
}
