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
mod given;
mod heads;
mod look;
mod plan;
mod reading;
mod record;
mod run;
mod sources;
mod status;
mod turn;
mod watching;

pub use check::{Cache, Checked, Declared, check};
pub use confirm::{ConfirmError, Confirmation};
pub use error::SyncError;
#[cfg(test)]
pub(crate) use given::CHECKS;
pub use given::Checks;
pub use plan::Planned;
pub use sources::Sources;

use crate::engine::Engine;
use crate::source::Source;
use crate::source::git::Remote;
use pulse_store::{Store, SyncRecord};
use reading::Purpose;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// The name of a source where settings give none. A name is part of every key, so that several sources live side by side.
pub const DEFAULT_SOURCE: &str = "default";

/// Syncs one source; clones share it.
#[derive(Clone)]
pub struct Syncer {
    inner: Arc<Inner>,
}

/// Who holds a lock takes only those that stand below it here:
///
/// 1. `turn`, for a whole look, from its first reading to its recorded end. A plan never has it; a stop takes it alone.
/// 2. Those of `gate`: a plan's place, then the turn to read. The reading thread has them to its end, and under them the locks of the
///    source itself, which nobody else takes.
/// 3. Those of engine and store, which know no syncer.
/// 4. `watched`, `cache`, `heads` and the gate's word on its reader: for a moment, in which nothing is waited for and no lock is taken.
struct Inner {
    name: String,
    /// Exchanged where its credentials change. Whoever reads has the gate, so that of two only one reads.
    source: std::sync::RwLock<Arc<dyn Source>>,
    poll: std::sync::Mutex<Duration>,
    store: Store,
    engine: Engine,
    /// Whose turn it is: never two looks of a source at once.
    turn: Arc<tokio::sync::Mutex<turn::Turn>>,
    /// Looks begun so far.
    begun: std::sync::atomic::AtomicU64,
    /// A look has ended.
    looked: tokio::sync::watch::Sender<bool>,
    /// It is time to look.
    hint: Arc<tokio::sync::Notify>,
    /// Who reads the source.
    gate: Arc<reading::Gate>,
    watched: std::sync::Mutex<status::Watched>,
    stopping: turn::Stopping,
    /// What the last look left of its commit.
    cache: std::sync::Mutex<Arc<Cache>>,
    /// What is live, as far as it is known here.
    heads: std::sync::Mutex<Option<Arc<heads::Heads>>>,
}

impl Syncer {
    /// A syncer of this source, which is looked at every `poll` whatever was heard.
    pub fn new(name: impl Into<String>, source: Arc<dyn Source>, poll: Duration, engine: Engine) -> Self {
        let hint = Arc::<tokio::sync::Notify>::default();
        let inner = Inner {
            name: name.into(),
            source: std::sync::RwLock::new(source),
            poll: std::sync::Mutex::new(poll),
            store: engine.store().clone(),
            engine,
            turn: Arc::default(),
            begun: std::sync::atomic::AtomicU64::new(0),
            looked: tokio::sync::watch::Sender::new(false),
            gate: reading::Gate::new(Arc::clone(&hint)),
            hint,
            watched: std::sync::Mutex::default(),
            stopping: turn::Stopping::default(),
            cache: std::sync::Mutex::default(),
            heads: std::sync::Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Waits until a look has ended, however it did.
    pub async fn looked(&self) {
        // The sender lives as long as this syncer.
        drop(self.inner.looked.subscribe().wait_for(|looked| *looked).await);
    }

    /// From now on it is looked at so often.
    pub fn set_poll(&self, poll: Duration) {
        let mut known = self.inner.poll.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *known, poll) != poll {
            // The wait that runs was the old one.
            self.hint();
        }
    }

    fn poll(&self) -> Duration {
        *self.inner.poll.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the source is reached so, which is the same source: only credentials and whom to trust may differ.
    pub fn exchange(&self, remote: &Remote, open: impl FnOnce(Remote) -> Arc<dyn Source>) {
        let mut source = self.inner.source.write().unwrap_or_else(PoisonError::into_inner);
        if source.is_reached_so(remote) {
            return;
        }
        *source = open(remote.clone());
        drop(source);
        self.hint();
    }

    fn source(&self) -> Arc<dyn Source> {
        Arc::clone(&self.inner.source.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// It may be time to look: [`Syncer::run`] does so soon. However many hints come, at most one look runs and one waits.
    pub fn hint(&self) {
        self.watched().asked.get_or_insert(crate::clock::now());
        self.inner.hint.notify_one();
    }

    /// Looks at the source now and answers the finished sync: a new one, or the last one where nothing has changed since. Everybody
    /// who asks while a look runs gets the one look that begins after it.
    pub async fn sync(&self) -> Result<SyncRecord, SyncError> {
        self.in_turn(None).await
    }

    /// The path of its repository that it holds; empty for all of it.
    pub fn path(&self) -> String {
        self.source().address().path.unwrap_or_default()
    }

    /// What the source holds, checked; nothing is applied or recorded. `reference`: a branch, tag or commit instead of its head.
    ///
    /// # Errors
    ///
    /// [`SyncError::Overloaded`] where two others do so already, [`SyncError::Hangs`] while a look hangs, or what the source says.
    pub async fn check_source(&self, reference: Option<String>) -> Result<Checked, SyncError> {
        Ok(self.read(Purpose::Plan(reference)).await?.0)
    }

    /// Reads and checks, and what is worth keeping for the next look. It waits for its turn; then the thread that reads has all of
    /// [`Source::longest_look`], and what it says later is said to nobody.
    async fn read(&self, purpose: Purpose) -> Result<(Checked, Cache), SyncError> {
        let source = self.source();
        let pass = self.inner.gate.enter(&purpose, source.longest_look()).await?;
        let (reader, kept) = (pass.reader(), Arc::clone(&self.cache()));
        let reading = aside::aside(self.name(), move || {
            let _pass = pass;
            let tree = match purpose {
                Purpose::Plan(Some(reference)) => source.look_at(&reference)?,
                Purpose::Plan(None) | Purpose::Look => source.look()?,
            };
            check(tree.as_ref(), &kept)
        });
        Ok(reader.in_time(reading).await???)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Arc<Cache>> {
        // It is replaced as a whole, so that a poisoned lock still guards a whole one.
        self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
