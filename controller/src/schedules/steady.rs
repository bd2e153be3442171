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

    /// Waits for the next trouble.
    pub(super) async fn troubled(&self) {
        // The engine outlives its scheduler, and with it the sender.
        drop(self.troubles.clone().changed().await);
    }
}
