//! Seals what is written, within a second, as long as this controller is the active one; and tells the log of this process how far the chain
//! goes, so that whoever keeps that log outside finds a tail that is gone.

use super::Audit;
use crate::clock;
use pulse_core::Timestamp;
use pulse_core::audit::Head;
use pulse_store::{Error, Store};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// The pause between two looks at most, while there is something to seal.
const PACE: Duration = Duration::from_millis(400);
/// How often it is looked whether there is something though nobody said so.
const SCAN: Duration = Duration::from_secs(30);
/// How often the head is told, and strangers are.
const MINUTE: Duration = Duration::from_secs(60);
/// How long a request may take until its row is given up.
const PATIENCE: crd_schemas::Duration = crd_schemas::Duration::from_secs(60);

/// Seals everything that is complete. What a controller before this one has begun and not ended is `unknown`.
pub(crate) async fn take_over(store: &Store) -> Result<Head, Error> {
    loop {
        let sealed = store.seal_audit(Timestamp(i64::MAX)).await?;
        if !sealed.more {
            return Ok(sealed.head);
        }
    }
}

/// The loop that seals.
pub(crate) struct Sealer {
    store: Store,
    audit: Audit,
    /// The last row that this one sealed, or found sealed at the start.
    head: Head,
    told: Head,
    troubled: bool,
}

impl Sealer {
    /// Begins behind a head.
    pub(crate) fn new(store: Store, audit: Audit, head: Head) -> Self {
        Self { store, audit, head, told: Head::START, troubled: false }
    }

    /// Seals until the stop. What is written after it the next controller seals, or [`Sealer::seal`] at the end.
    pub(crate) async fn run(mut self, mut stopping: watch::Receiver<bool>) -> Self {
        self.tell();
        let (mut scan, mut minute) = (Instant::now() + SCAN, Instant::now() + MINUTE);
        loop {
            let due = scan.min(minute);
            let stopped = async {
                tokio::select! {
                    _ = stopping.wait_for(|stopping| *stopping) => true,
                    () = self.store.audited() => false,
                    () = tokio::time::sleep_until(due) => false,
                }
            };
            if stopped.await || timeout(PACE, stopping.wait_for(|stopping| *stopping)).await.is_ok() {
                return self;
            }
            self.seal().await;
            scan = Instant::now() + if self.troubled { PACE } else { SCAN };
            if Instant::now() >= minute {
                minute = Instant::now() + MINUTE;
                self.audit.tell_strangers().await;
                self.tell();
            }
        }
    }

    /// Seals what there is. A database that is away is said once, and tried again at the next look.
    pub(crate) async fn seal(&mut self) {
        loop {
            let now = clock::now();
            let given_up = Timestamp(now.0.saturating_sub(PATIENCE.as_micros()));
            match self.store.seal_audit(given_up).await {
                Ok(sealed) => {
                    self.compare(sealed.from);
                    (self.head, self.troubled) = (sealed.head, false);
                    if !sealed.more {
                        return;
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut self.troubled, true) {
                        tracing::warn!(%error, "the audit log cannot be sealed now; trying again");
                    }
                    return;
                }
            }
        }
    }

    /// Nobody else seals, so the chain ends where this one left it.
    fn compare(&self, found: Head) {
        if found != self.head {
            tracing::error!(
                expected = %self.head,
                %found,
                "the audit log does not end where this controller had sealed it: somebody has changed it; `pulse audit verify --head` \
                 with the expected head says from where on"
            );
        }
    }

    /// Says how far the chain goes, where that has changed.
    pub(crate) fn tell(&mut self) {
        if self.head != self.told {
            tracing::info!(head = %self.head, "the audit log is sealed up to this head");
            self.told = self.head;
        }
    }
}
