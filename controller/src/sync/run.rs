//! The loop of one source: look at the start, on every hint, and from time to time whatever was heard.

use super::Syncer;
use super::watching::Watching;
use crate::clock;
use pulse_core::Timestamp;
use pulse_core::source_status::until_next_look;
use std::time::Duration;
use tokio::sync::watch::Receiver;

impl Syncer {
    /// Syncs until `stop` says true, and until what is being written then is written.
    pub async fn run(&self, mut stop: Receiver<bool>) {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.keep_looking() => {}
        }
        self.stop_writing().await;
    }

    async fn keep_looking(&self) {
        let mut watching = Watching::of(self.name(), self.source()).await;
        loop {
            // What went wrong is in the status, and logged where it was seen.
            drop(self.sync().await);
            watching.renew();
            let wait = self.until_next_look();
            self.watched().next_look = Some(later(clock::now(), wait));
            tokio::select! {
                () = self.inner.hint.notified() => {}
                () = watching.time_to_look() => {}
                () = after(wait) => watching.mend(),
            }
            self.watched().next_look = None;
        }
    }
}

impl Syncer {
    fn until_next_look(&self) -> Duration {
        let facts = self.facts();
        let stalled = facts.last.as_ref().is_some_and(|last| last.reason.is_stalled());
        until_next_look(facts.failures, stalled, self.poll(), dice())
    }
}

async fn after(wait: Duration) {
    // A wait without an event: its end is what is waited for.
    drop(tokio::time::timeout(wait, std::future::pending::<()>()).await);
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    Timestamp(now.0.saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)))
}

/// A random number; without randomness the middle, which is no harm.
fn dice() -> u16 {
    let mut random = [0; 2];
    match getrandom::fill(&mut random) {
        Ok(()) => u16::from_be_bytes(random),
        Err(_) => u16::MAX / 2,
    }
}
