//! Checks of files that no source holds. They wait for no source, and a few at once are as many as this machine can be asked for.

use super::aside::aside;
use super::{Cache, Checked, SyncError, check};
use crate::source::{Given, SourceFile};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Checks at once; each of them uses every core.
pub(crate) const CHECKS: usize = 4;

/// Room for checks of given files; clones share it.
#[derive(Debug, Clone)]
pub struct Checks {
    room: Arc<Semaphore>,
}

impl Default for Checks {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(CHECKS)) }
    }
}

impl Checks {
    /// Checks files that no source holds, as if they lay below this path of a repository.
    ///
    /// # Errors
    ///
    /// [`SyncError::Overloaded`] where there is no room.
    pub async fn check(&self, files: Vec<SourceFile>, path: String) -> Result<Checked, SyncError> {
        let room = Arc::clone(&self.room).try_acquire_owned();
        let room = room.map_err(|_| SyncError::Overloaded("enough files are being checked"))?;
        let checked = aside("given", move || {
            // Also where nobody waits for it any more.
            let _room = room;
            check(&Given::new(files).below(&path), &Cache::default())
        });
        Ok(checked.await??.0)
    }

    /// The room itself, to take it away.
    #[cfg(test)]
    pub(crate) fn room(&self) -> Arc<Semaphore> {
        Arc::clone(&self.room)
    }
}
