//! All sources of this controller. Each is synced by itself: none waits for another.

use super::{Checks, ConfirmError, Confirmation, SyncError, Syncer};
use pulse_store::SyncRecord;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch::Receiver;

/// Every source's syncer by name; clones share them.
#[derive(Clone, Default)]
pub struct Sources {
    all: Arc<BTreeMap<String, Syncer>>,
    /// For files that are none of them.
    pub checks: Checks,
}

impl Sources {
    /// These syncers; of two with the same name the last one counts.
    pub fn new(syncers: impl IntoIterator<Item = Syncer>) -> Self {
        let all = syncers.into_iter().map(|syncer| (syncer.name().to_owned(), syncer)).collect();
        Self { all: Arc::new(all), checks: Checks::default() }
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Syncer> {
        self.all.values()
    }

    /// The source of this name; where none is named, the only one.
    pub fn pick(&self, name: Option<&str>) -> Result<&Syncer, SyncError> {
        if let Some(name) = name {
            return self.all.get(name).ok_or_else(|| SyncError::NoSuchSource(name.chars().take(80).collect()));
        }
        let mut all = self.all.values();
        match (all.next(), all.next()) {
            (None, _) => Err(SyncError::NoSource),
            (Some(only), None) => Ok(only),
            (Some(_), Some(_)) => {
                Err(SyncError::SeveralSources(self.all.keys().map(String::as_str).collect::<Vec<_>>().join(", ")))
            }
        }
    }

    /// Waits until each has been looked at once, while [`Sources::run`] runs.
    pub async fn looked(&self) {
        futures_util::future::join_all(self.iter().map(Syncer::looked)).await;
    }

    /// Keeps all of them synced until `stop` says true.
    pub async fn run(&self, stop: Receiver<bool>) {
        futures_util::future::join_all(self.iter().map(|syncer| syncer.run(stop.clone()))).await;
    }

    /// Applies what a sync held, if it is still what its source holds and would still do the same.
    pub async fn confirm(&self, word: Confirmation) -> Result<SyncRecord, ConfirmError> {
        let id = word.sync;
        let Some(any) = self.iter().next() else { return Err(SyncError::NoSource.into()) };
        let held = any.inner.store.sync(id).await.map_err(SyncError::from)?.ok_or(ConfirmError::NoSuchSync(id))?;
        self.pick(Some(&held.source))?.confirm(held, word).await
    }
}
