//! When a whole fleet comes at once: how many may be let in side by side, and when the others shall come again. Whoever is sent away gets
//! the next free moment at the pace of those who are let in, so that they do not come back in step.

use crate::time::Timestamp;

/// Most agents that are being let in at once, those included that wait for the database.
pub const MOST: usize = 128;
/// So many of them ask the database side by side.
pub const ABREAST: usize = 16;
/// Who would have to wait longer than this is sent away at once: a handshake has ten seconds.
const PATIENCE_US: i64 = 3_000_000;
/// Bounds of what is said to who is sent away.
const SOONEST_US: i64 = 1_000_000;
const LATEST_US: i64 = 60_000_000;
/// What letting one in costs, as long as nothing is known.
const FIRST_GUESS_US: i64 = 5_000;

/// Those who are being let in, and those who were sent away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowd {
    inside: usize,
    /// How long the database takes for one, lately.
    pace_us: i64,
    /// When the last one that was sent away was told to come again.
    next: Timestamp,
}

impl Default for Crowd {
    fn default() -> Self {
        Self { inside: 0, pace_us: FIRST_GUESS_US, next: Timestamp(0) }
    }
}

impl Crowd {
    /// One more wants in. An error: after how many milliseconds it shall come again. `share`: a random number from 0 to 1.
    pub fn enter(&mut self, now: Timestamp, share: f64) -> Result<(), u64> {
        let wait = self.each_us().saturating_mul(i64::try_from(self.inside).unwrap_or(i64::MAX));
        if self.inside < MOST && wait <= PATIENCE_US {
            self.inside += 1;
            return Ok(());
        }
        // Not before those who are inside now are through, and not at the same moment as anybody else.
        let soonest = now.0.saturating_add(wait.clamp(SOONEST_US, LATEST_US));
        // A moment far off is that of a storm that is over, or of a clock that went back.
        let after_last = Some(self.next.0.saturating_add(self.each_us())).filter(|next| *next <= now.0.saturating_add(LATEST_US));
        self.next = Timestamp(after_last.unwrap_or(soonest).max(soonest));
        let jitter = share.clamp(0.0, 1.0) * SOONEST_US as f64;
        Err(u64::try_from((self.next.0 - now.0 + jitter as i64) / 1000).unwrap_or_default())
    }

    /// One is through, or was refused, or has gone; how long the database took for it, if it had its turn.
    pub fn leave(&mut self, took_us: Option<i64>) {
        self.inside = self.inside.saturating_sub(1);
        if let Some(took_us) = took_us {
            self.pace_us = self.pace_us.saturating_mul(7).saturating_add(took_us.max(0)) / 8;
        }
    }

    /// How often one gets through.
    fn each_us(&self) -> i64 {
        (self.pace_us / ABREAST as i64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_000);

    fn full() -> Crowd {
        let mut crowd = Crowd::default();
        (0..MOST).for_each(|_| crowd.enter(NOW, 0.0).unwrap());
        crowd
    }

    #[test]
    fn a_storm_is_sent_away_and_comes_back_one_by_one() {
        let mut crowd = full();
        let mut told: Vec<u64> = (0..5000).map(|_| crowd.enter(NOW, 0.5).unwrap_err()).collect();
        assert!(told.iter().all(|ms| (1000..=61_000).contains(ms)), "{:?}", told.iter().max());
        assert!(told.is_sorted(), "who came first may come again first");
        told.dedup();
        assert!(told.len() > 1000, "they do not come back in step: {}", told.len());
    }

    #[test]
    fn a_slow_database_lets_fewer_in() {
        let mut crowd = Crowd::default();
        (0..50).for_each(|_| {
            crowd.enter(NOW, 0.0).unwrap();
            crowd.leave(Some(2_000_000));
        });
        let entered = (0..MOST).take_while(|_| crowd.enter(NOW, 0.0).is_ok()).count();
        assert!((20..40).contains(&entered), "{entered}: three seconds of two for each, sixteen abreast");
        let later = crowd.enter(NOW, 0.0).unwrap_err();
        assert!(later > 3000, "{later}: not before those inside are through");
        (0..entered).for_each(|_| crowd.leave(None));
        (0..50).for_each(|_| {
            crowd.enter(NOW, 0.0).unwrap();
            crowd.leave(Some(1000));
        });
        let entered = (0..=MOST).take_while(|_| crowd.enter(NOW, 0.0).is_ok()).count();
        assert_eq!(entered, MOST, "when it is quick again, so is the way in");
    }

    #[test]
    fn nobody_is_told_to_come_in_an_hour() {
        let mut crowd = full();
        let ever: Vec<u64> = (0..1_000_000).map(|_| crowd.enter(NOW, 1.0).unwrap_err()).collect();
        assert!(ever.iter().all(|ms| *ms <= 62_000), "{:?}", ever.iter().max());
        let before = Timestamp(NOW.0 - 3_600_000_000);
        assert!(crowd.enter(before, 0.0).unwrap_err() <= 2000, "the clock went back");
    }
}
