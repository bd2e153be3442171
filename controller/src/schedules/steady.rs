//! Since when this controller serves without trouble: catching up begins after that, spread.

use pulse_core::Timestamp;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// Since when, and the troubles that are counted in that.
pub(super) struct Steady {
    /// Counts the engine's troubles: its database was away, it stood still, its clock was stepped.
    troubles: watch::Receiver<u64>,
    since: Mutex<(u64, Timestamp)>,
}

impl Steady {
    pub(super) fn new(now: Timestamp, troubles: watch::Receiver<u64>) -> Self {
        let seen = *troubles.borrow();
        Self { troubles, since: Mutex::new((seen, now)) }
    }

    /// Since when, as it is known now.
    pub(super) fn since(&self, now: Timestamp) -> Timestamp {
        let troubles = *self.troubles.borrow();
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.0 != troubles {
            *since = (troubles, now);
        }
        since.1
    }

    /// It begins now.
    pub(super) fn begin(&self, now: Timestamp) {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).1 = now;
    }

    /// Tells each trouble from now on. The engine outlives its scheduler, and with it the sender.
    pub(super) fn troubles(&self) -> watch::Receiver<u64> {
        let mut troubles = self.troubles.clone();
        // A clone has seen what this one has: what it was when it was made.
        troubles.mark_unchanged();
        troubles
    }
}

#[cfg(test)]
mod tests {
    use super::Steady;
    use pulse_core::Timestamp;
    use tokio::sync::watch;

    #[test]
    fn a_trouble_is_told_once_and_not_for_ever() {
        let (happens, troubles) = watch::channel(0);
        let steady = Steady::new(Timestamp(0), troubles);
        happens.send_modify(|troubles| *troubles += 1);
        let mut told = steady.troubles();
        assert!(!told.has_changed().unwrap(), "what was before is over");
        happens.send_modify(|troubles| *troubles += 1);
        assert!(told.has_changed().unwrap());
        told.mark_unchanged();
        assert!(!told.has_changed().unwrap());
    }
}
