//! Which slots are due, and which of them are too late: always a run that begins after the watermark.

use super::CompiledSchedule;
use super::outcome::{Missed, Outcome, Settled};
use crate::time::Timestamp;
use crd_schemas::manifest::CatchUp;

/// Slots looked at one by one for their jitter. It is shorter than the gap between two slots, so one or two are enough.
const NEAR: usize = 1000;

/// The slots whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    /// Those that will never fire, each a run, oldest first.
    pub missed: Vec<Settled>,
    /// The oldest one that may fire.
    pub slot: Option<Timestamp>,
    /// The newest slot that is due.
    pub newest: Timestamp,
    /// When the oldest slot that is still on time becomes late.
    pub lapses: Option<Timestamp>,
}

impl CompiledSchedule {
    /// What is due after the watermark; none if nothing is. `replacing`: an execution is being cancelled for the newest slot, which
    /// therefore is not merely late.
    pub(super) fn due(&self, watermark: Timestamp, replacing: bool, now: Timestamp) -> Option<Due> {
        let newest = self.last_due(watermark, now)?;
        // On time until the deadline itself, so late is what was due before that.
        let late = self.last_due(watermark, Timestamp(now.0.saturating_sub(self.deadline.as_micros() + 1)));
        let just_before = |slot: Timestamp| Timestamp(slot.0 - 1);
        let (runs, slot) = match self.catch_up {
            CatchUp::None if late == Some(newest) && replacing => {
                (vec![(watermark, just_before(newest), Missed::TooLate)], Some(newest))
            }
            CatchUp::None if late == Some(newest) => (vec![(watermark, newest, Missed::TooLate)], None),
            CatchUp::None => {
                let begin = late.unwrap_or(watermark);
                let runs = vec![(watermark, begin, Missed::TooLate), (begin, just_before(newest), Missed::Superseded)];
                (runs, Some(newest))
            }
            CatchUp::Latest => (vec![(watermark, just_before(newest), Missed::Superseded)], Some(newest)),
            // The limit is of those that are late; what is on time has not lost its turn.
            CatchUp::All => {
                let kept = late.map(|late| self.timing.newest_between(watermark, late, self.catch_up_limit as usize));
                let oldest = kept.and_then(|kept| kept.first().copied()).or_else(|| self.timing.next_after(watermark));
                let runs = oldest.map(|oldest| (watermark, just_before(oldest), Missed::OverLimit));
                (runs.into_iter().collect(), oldest)
            }
        };
        let on_time = self.timing.next_after(late.unwrap_or(watermark)).filter(|slot| *slot <= newest);
        let lapses = on_time.map(|slot| Timestamp(self.deadline_of(slot).0.saturating_add(1)));
        let missed = runs.into_iter().filter_map(|(after, until, why)| self.run(after, until, why)).collect();
        Some(Due { missed, slot, newest, lapses })
    }

    /// The newest slot such that it and every one before it are due at this instant.
    fn last_due(&self, watermark: Timestamp, now: Timestamp) -> Option<Timestamp> {
        if self.jitter.as_micros() == 0 {
            return self.timing.last_between(watermark, now);
        }
        let surely = self.timing.last_between(watermark, Timestamp(now.0.saturating_sub(self.jitter.as_micros())));
        let near = self.timing.slots_between(surely.unwrap_or(watermark), now, NEAR).into_iter();
        near.take_while(|slot| self.fire_time(*slot) <= now).last().or(surely)
    }

    /// The slots after the one instant, up to and including the other, as one row.
    fn run(&self, after: Timestamp, until: Timestamp, why: Missed) -> Option<Settled> {
        let (slot, last) = (self.timing.next_after(after)?, self.timing.last_between(after, until)?);
        let slots = self.timing.count_between(after, until);
        // The same for one slot and for many: a run may go on.
        let message = match why {
            Missed::TooLate => format!("nothing could start it within its startingDeadline of {}", self.deadline),
            Missed::Superseded => "a newer slot came before it could fire".to_owned(),
            Missed::OverLimit => format!("more late slots waited than catchUpLimit, which is {}", self.catch_up_limit),
        };
        Some(Settled { slot, last, slots, outcome: Outcome::Missed(why), message })
    }
}
