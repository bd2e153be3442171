//! Records of slots are bounded. Now and then a schedule that has gone on takes out its oldest ones.

use super::Scheduler;
use crate::engine::{EngineError, ScheduleKey};
use pulse_store::Error;

/// Steps of a schedule between two times. A step adds four records at most, so there are never many more than are kept.
const STEPS: i64 = 1000;

impl Scheduler {
    /// Takes out what a schedule need not keep, if it is time after the step that builds on this revision. What is missed, because
    /// the controller ends here, is taken out at the next time.
    pub(super) async fn tidy(&self, key: &ScheduleKey, revision: Option<i64>) -> Result<(), EngineError> {
        if !is_time(&key.name, revision.unwrap_or(0)) {
            return Ok(());
        }
        match self.inner.engine.store().prune_slots(&key.source, &key.name).await {
            Ok(0) => Ok(()),
            Ok(pruned) => {
                tracing::debug!(schedule = %key, pruned, "the oldest records of slots are taken out");
                Ok(())
            }
            Err(error @ Error::Fenced) => Err(self.failed(error)),
            // Nothing hangs on it.
            Err(error) => {
                tracing::warn!(%error, schedule = %key, "the oldest records of slots stay for now");
                Ok(())
            }
        }
    }
}

/// Once each [`STEPS`], and not at the same step for schedules that began together.
pub(super) fn is_time(name: &str, revision: i64) -> bool {
    let own = name.bytes().fold(0, |own: i64, byte| (own * 31 + i64::from(byte)) % STEPS);
    (revision + own) % STEPS == 0
}

#[cfg(test)]
mod tests {
    use super::{STEPS, is_time};

    #[test]
    fn it_is_time_once_each_so_many_steps_and_not_for_all_at_once() {
        let times = |name: &str| (0..3 * STEPS).filter(|revision| is_time(name, *revision)).collect::<Vec<_>>();
        let (first, second) = (times("nightly"), times("hourly"));
        assert!(first.len() == 3 && first.windows(2).all(|pair| pair[1] - pair[0] == STEPS), "{first:?}");
        assert_ne!(first, second);
    }
}
