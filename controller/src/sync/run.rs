//! The loop: look at the start, on every hint, and from time to time whatever was heard.

use super::{SyncError, Syncer};
use crate::source::{Folder, Hints, watch};
use pulse_store::SyncOutcome;
use std::os::unix::fs::MetadataExt;
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

    async fn keep_looking(&self, folder: &Folder) {
        let mut watched = identity(folder);
        let mut hints = watch(folder.root(), self.inner.poll);
        loop {
            let look = self.clone();
            // A task of its own: if this loop is dropped at a stop, the look that has begun still ends.
            let looked = tokio::spawn(async move { look.sync().await }).await;
            let healthy = match looked {
                Ok(Ok(record)) => record.outcome != SyncOutcome::Unreachable,
                Ok(Err(error)) => said(&error),
                Err(error) => said(&SyncError::Interrupted(error.to_string())),
            };
            let now = identity(folder);
            // Another folder stands there now, and the kernel still watches the old one.
            if now != watched {
                (hints, watched) = (watch(folder.root(), self.inner.poll), now);
                // What changed before the watch began was told to nobody.
                continue;
            }
            if !self.wait(&hints, healthy).await {
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

/// Which folder stands at the path; `None` where there is none.
fn identity(folder: &Folder) -> Option<(u64, u64)> {
    std::fs::metadata(folder.root()).map(|meta| (meta.dev(), meta.ino())).ok()
}

fn said(error: &SyncError) -> bool {
    tracing::error!(%error, "the source could not be synced; trying again soon");
    false
}
