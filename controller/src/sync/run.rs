//! The loop: look at the start, on every hint, and from time to time whatever was heard.

use super::{SyncError, Syncer};
use crate::source::{Hints, watch};
use pulse_store::SyncOutcome;
use std::time::Duration;
use tokio::sync::watch::Receiver;

/// How soon to look again after a look that failed.
const SOON: Duration = Duration::from_secs(5);

impl Syncer {
    /// Syncs until `stop` says true.
    pub async fn run(&self, mut stop: Receiver<bool>) {
        let Some(folder) = self.inner.folder.clone() else { return };
        tokio::select! {
            // A stop is heard between two looks, never in the middle of one.
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.keep_looking(&folder) => {}
        }
    }

    async fn keep_looking(&self, folder: &crate::source::Folder) {
        let mut hints = watch(folder.root(), self.inner.poll);
        let mut well = true;
        loop {
            let look = self.clone();
            // A task of its own: if this loop is dropped at a stop, the look that has begun still ends.
            let looked = tokio::spawn(async move { look.sync().await }).await;
            let healthy = match looked {
                Ok(Ok(record)) => record.outcome != SyncOutcome::Unreachable,
                Ok(Err(error)) => said(&error),
                Err(error) => said(&SyncError::Interrupted(error.to_string())),
            };
            // A folder that was away is another one now, and the kernel watches the old one.
            if healthy && !well {
                hints = watch(folder.root(), self.inner.poll);
            }
            well = healthy;
            if !self.wait(&hints, well).await {
                hints = watch(folder.root(), self.inner.poll);
            }
        }
    }

    /// True: a hint came. False: the time has come, and hints may have been lost.
    async fn wait(&self, hints: &Hints, well: bool) -> bool {
        match well {
            true => hints.next().await,
            false => tokio::time::timeout(SOON, hints.next()).await.unwrap_or(false),
        }
    }
}

fn said(error: &SyncError) -> bool {
    tracing::error!(%error, "the source could not be synced; trying again soon");
    false
}
