//! From a source to what is live: read → check → plan → apply, one look at a time. Whatever goes wrong is a finished sync with
//! a reason, and what was live stays live.
//!
//! ```text
//! source (commit) ─▶ check (documents, every problem) ─▶ plan (against live) ─▶ store.apply (one transaction) ─▶ engine
//! ```

mod check;
mod confirm;
mod look;
mod plan;
mod record;
mod run;

pub use check::{Checked, check};
pub use confirm::{ConfirmError, Confirmation};
pub use plan::Planned;

use crate::engine::{Engine, EngineError};
use crate::source::{Folder, SourceError, SourceFile};
use pulse_store::{Store, SyncRecord};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The name of the one source of this release; part of every key, so that several can live side by side later.
pub const SOURCE: &str = "default";

/// Syncs the source; clones share it.
#[derive(Clone)]
pub struct Syncer {
    inner: Arc<Inner>,
}

struct Inner {
    folder: Option<Folder>,
    poll: Duration,
    store: Store,
    engine: Engine,
    /// Whose turn it is: never two syncs at once.
    turn: tokio::sync::Mutex<()>,
    /// Something was applied that the engine has not read yet.
    stale: AtomicBool,
}

/// Why a sync cannot even be made.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// There is nothing to sync.
    #[error("this controller has no source")]
    NoSource,
    /// The source cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The database.
    #[error(transparent)]
    Store(#[from] pulse_store::Error),
    /// The engine cannot read what is live.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A task ended early.
    #[error("reading the source was interrupted: {0}")]
    Interrupted(String),
}

impl Syncer {
    /// A syncer of this folder.
    pub fn new(folder: Option<Folder>, poll: Duration, engine: Engine) -> Self {
        let (store, turn, stale) = (engine.store().clone(), tokio::sync::Mutex::new(()), AtomicBool::new(false));
        Self { inner: Arc::new(Inner { folder, poll, store, engine, turn, stale }) }
    }

    /// Looks at the source now and answers the finished sync: a new one, or the last one where nothing has changed since.
    pub async fn sync(&self) -> Result<SyncRecord, SyncError> {
        let turn = self.inner.turn.lock().await;
        let record = self.look(None).await;
        drop(turn);
        record
    }

    /// What the source would change of what is live; nothing is applied or recorded.
    pub async fn plan_source(&self) -> Result<(Checked, Planned), SyncError> {
        let (_, checked) = self.read(None).await?;
        let planned = self.plan(&checked).await?;
        Ok((checked, planned))
    }

    /// What these files would change of what is live.
    pub async fn plan_files(&self, files: Vec<SourceFile>) -> Result<(Checked, Planned), SyncError> {
        let checked = check_aside(files, Vec::new()).await?;
        let planned = self.plan(&checked).await?;
        Ok((checked, planned))
    }

    /// The source's commit and what the checks say of it.
    async fn read(&self, known: Option<String>) -> Result<(String, Checked), SyncError> {
        let folder = self.inner.folder.clone().ok_or(SyncError::NoSource)?;
        let read = tokio::task::spawn_blocking(move || {
            let commit = folder.settled(known.as_deref())?;
            Ok::<_, SourceError>((commit.id, check(&commit.files, commit.problems)))
        });
        Ok(read.await.map_err(|error| SyncError::Interrupted(error.to_string()))??)
    }
}

/// Checks files on a thread that may block: a large set takes its time.
pub async fn check_aside(files: Vec<SourceFile>, found: Vec<crd_schemas::Problem>) -> Result<Checked, SyncError> {
    let checked = tokio::task::spawn_blocking(move || check(&files, found)).await;
    checked.map_err(|error| SyncError::Interrupted(error.to_string()))
}

#[cfg(test)]
mod tests;
