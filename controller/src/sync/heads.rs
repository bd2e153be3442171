//! What is live of a source, without its manifests: kept from one look to the next as long as the database says that the source
//! still stands at the same generation.

use super::{Planned, SyncError, Syncer};
use crd_schemas::Kind;
use pulse_core::plan::LiveObject;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

/// Every object of a source, retired ones too, at one generation.
#[derive(Debug, Clone, Default)]
pub(super) struct Heads {
    /// The source's generation; 0 for one that was never applied.
    pub(super) generation: i64,
    /// The commit that is live.
    pub(super) commit: Option<String>,
    /// Digest of everything that is live.
    pub(super) digest: Option<String>,
    pub(super) objects: BTreeMap<(Kind, String), LiveObject>,
}

impl Syncer {
    /// What is live now.
    pub(super) async fn heads(&self) -> Result<Arc<Heads>, SyncError> {
        // The generation first: what is read after it is not older, and where it is newer, the apply finds that out.
        let state = self.inner.store.source(self.name()).await?;
        let generation = state.as_ref().map_or(0, |state| state.generation);
        // What the engine holds, and what of it cannot be read, is of the same generation.
        self.inner.engine.definitions_at(self.name(), generation).await?;
        if let Some(kept) = self.kept_heads().filter(|heads| heads.generation == generation) {
            return Ok(kept);
        }
        let rows = self.inner.store.heads(self.name()).await?;
        let unreadable = self.inner.engine.unreadable(self.name());
        let objects = rows.into_iter().filter_map(|row| {
            let said = |error: &_| tracing::error!(%error, "a live definition cannot be read; it is planned anew");
            row.inspect_err(said).ok()
        });
        let objects = objects.map(|object| {
            let key = (object.kind, object.name.clone());
            let unreadable = !object.retired && unreadable.contains(&key);
            (key, LiveObject { unreadable, ..object })
        });
        let (commit, digest) = state.map(|state| (state.commit, state.digest)).unzip();
        let heads = Arc::new(Heads { generation, commit, digest, objects: objects.collect() });
        self.keep_heads(Some(Arc::clone(&heads)));
        Ok(heads)
    }

    /// Takes in what an apply has done.
    pub(super) fn advance_heads(&self, planned: &Planned, commit: &str, digest: &str, generation: i64) {
        let mut heads = Heads::clone(&planned.heads);
        (heads.generation, heads.commit, heads.digest) = (generation, Some(commit.to_owned()), Some(digest.to_owned()));
        for object in planned.after() {
            heads.objects.insert((object.kind, object.name.clone()), object);
        }
        self.keep_heads(Some(Arc::new(heads)));
    }

    fn kept_heads(&self) -> Option<Arc<Heads>> {
        self.inner.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn keep_heads(&self, heads: Option<Arc<Heads>>) {
        *self.inner.heads.lock().unwrap_or_else(PoisonError::into_inner) = heads;
    }
}
