//! From a source to what is live: read → check → plan → apply, one look at a time for each source. Whatever goes wrong is a finished
//! sync with a reason, and what was live stays live.
//!
//! ```text
//! source (tree) ─▶ check (documents, every problem) ─▶ plan (against live) ─▶ store.apply (one transaction) ─▶ engine
//! ```

mod aside;
mod check;
mod confirm;
mod error;
mod look;
mod plan;
mod record;
mod run;
mod sources;
mod status;
mod turn;

pub use check::{Checked, check, check_given};
pub use confirm::{ConfirmError, Confirmation};
pub use error::SyncError;
pub use plan::Planned;
pub use sources::Sources;

use crate::engine::Engine;
use crate::source::Source;
use pulse_store::{Store, SyncRecord};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The name of a source where settings give none. A name is part of every key, so that several sources live side by side.
pub const DEFAULT_SOURCE: &str = "default";

/// Syncs one source; clones share it.
#[derive(Clone)]
pub struct Syncer {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    source: Arc<dyn Source>,
    poll: Duration,
    store: Store,
    engine: Engine,
    /// Whose turn it is: never two looks of a source at once.
    turn: Arc<tokio::sync::Mutex<turn::Turn>>,
    /// Looks begun so far.
    begun: std::sync::atomic::AtomicU64,
    /// It is time to look.
    hint: tokio::sync::Notify,
    watched: std::sync::Mutex<status::Watched>,
    stopping: turn::Stopping,
    /// Something was applied that the engine has not read yet.
    stale: AtomicBool,
}

impl Syncer {
    /// A syncer of this source, which is looked at every `poll` whatever was heard.
    pub fn new(name: impl Into<String>, source: Arc<dyn Source>, poll: Duration, engine: Engine) -> Self {
        let inner = Inner {
            name: name.into(),
            source,
            poll,
            store: engine.store().clone(),
            engine,
            turn: Arc::default(),
            begun: std::sync::atomic::AtomicU64::new(0),
            hint: tokio::sync::Notify::new(),
            watched: std::sync::Mutex::default(),
            stopping: turn::Stopping::default(),
            stale: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// It may be time to look: [`Syncer::run`] does so soon. However many hints come, at most one look runs and one waits.
    pub fn hint(&self) {
        self.inner.hint.notify_one();
    }

    /// Looks at the source now and answers the finished sync: a new one, or the last one where nothing has changed since. Everybody
    /// who asks while a look runs gets the one look that begins after it.
    pub async fn sync(&self) -> Result<SyncRecord, SyncError> {
        self.in_turn(None).await
    }

    /// What the source holds, checked; nothing is applied or recorded. `reference`: a branch, tag or commit instead of its head.
    pub async fn check_source(&self, reference: Option<String>) -> Result<Checked, SyncError> {
        let source = Arc::clone(&self.inner.source);
        let checked = aside::aside(&self.inner.name, move || {
            let tree = match reference {
                Some(reference) => source.look_at(&reference)?,
                None => source.look()?,
            };
            check(tree.as_ref())
        });
        Ok(checked.await??)
    }
}

#[cfg(test)]
mod tests;
