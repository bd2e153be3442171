//! A schedule as decisions need it.

use super::{Timing, TimingError, World};
use crate::pause::Pause;
use crate::time::Timestamp;
use crd_schemas::Duration;
use crd_schemas::manifest::{CatchUp, Schedule, SchedulePolicy, ScheduleSpec};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Catch-up of all schedules is spread over so long after the controller began to serve.
pub const CATCH_UP_SPREAD: Duration = Duration::from_secs(60);
/// Longest time between two fires of one schedule while it catches up.
pub const CATCH_UP_PAUSE: Duration = Duration::from_secs(5);

/// A schedule, its timing compiled.
#[derive(Debug, Clone)]
pub struct CompiledSchedule {
    /// The source of its manifest.
    pub source: String,
    /// Its name.
    pub name: String,
    /// Its labels, by which pauses may name it.
    pub labels: BTreeMap<String, String>,
    /// When it fires.
    pub timing: Timing,
    /// [`Timing::digest`].
    pub digest: String,
    /// What an open execution does to the next slot.
    pub policy: SchedulePolicy,
    /// How late a slot may fire.
    pub deadline: Duration,
    /// What becomes of later ones.
    pub catch_up: CatchUp,
    /// How many of them fire with [`CatchUp::All`].
    pub catch_up_limit: u32,
    /// Each slot fires up to so much later.
    pub jitter: Duration,
    /// It rests.
    pub suspended: bool,
}

/// A slot that is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upcoming {
    /// The nominal instant.
    pub slot: Timestamp,
    /// When it fires, its jitter added.
    pub at: Timestamp,
}

impl CompiledSchedule {
    /// Compiles a schedule of a source.
    pub fn compile(source: &str, schedule: &Schedule) -> Result<Self, Vec<TimingError>> {
        let Schedule { metadata, spec } = schedule;
        let timing = Timing::compile(&spec.rhythm)?;
        Ok(Self {
            source: source.to_owned(),
            name: metadata.name.clone(),
            labels: metadata.labels.clone(),
            digest: timing.digest(),
            timing,
            policy: spec.concurrency_policy,
            deadline: spec.starting_deadline,
            catch_up: spec.catch_up,
            catch_up_limit: spec.catch_up_limit.unwrap_or(ScheduleSpec::DEFAULT_CATCH_UP_LIMIT),
            jitter: spec.jitter,
            suspended: spec.suspend,
        })
    }

    /// The first of the pauses that are `so` and hold this schedule.
    pub fn held<'a>(&self, world: &'a World, so: impl Fn(&Pause) -> bool) -> Option<&'a Pause> {
        world.pauses.iter().find(|pause| so(pause) && pause.holds_schedule(&self.name, &self.labels))
    }

    /// When a slot fires: its nominal instant and its own share of the jitter, always the same.
    pub fn fire_time(&self, slot: Timestamp) -> Timestamp {
        slot.later(self.share(&slot.0.to_string(), self.jitter))
    }

    /// The last instant at which a slot is on time.
    pub fn deadline_of(&self, slot: Timestamp) -> Timestamp {
        self.fire_time(slot).plus(self.deadline)
    }

    /// The next slots after this instant, in order; none while it is suspended.
    pub fn upcoming(&self, after: Timestamp, most: usize) -> Vec<Upcoming> {
        let most = if self.suspended { 0 } else { most };
        let slots = self.timing.upcoming(after, most).into_iter();
        slots.map(|slot| Upcoming { slot, at: self.fire_time(slot) }).collect()
    }

    /// How long after the controller began to serve this schedule's catch-up begins.
    pub(super) fn catch_up_offset(&self) -> i64 {
        self.share("catch-up", CATCH_UP_SPREAD)
    }

    /// Time between two fires while it catches up: at most half of its gaps, so that it ever ends.
    pub(super) fn catch_up_pause(&self) -> Duration {
        CATCH_UP_PAUSE.min(Duration::from_millis(self.timing.least_gap().as_millis() / 2))
    }

    /// A share of a length of time, in microseconds, that only depends on the schedule and on `what`.
    fn share(&self, what: &str, whole: Duration) -> i64 {
        let digest = Sha256::digest(format!("{}\0{}\0{what}", self.source, self.name));
        let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let whole = u64::try_from(whole.as_micros()).unwrap_or(0);
        i64::try_from(number % (whole + 1)).unwrap_or(0)
    }
}
