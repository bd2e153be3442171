//! One look at a time: who asks while one runs shares the next one, and a stop waits for what is being written.

use super::{Confirmation, SyncError, Syncer};
use crate::clock;
use pulse_core::source_status::SyncReason;
use pulse_store::SyncRecord;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

/// How long a stop waits for what is being written.
const WRITING: Duration = Duration::from_secs(10);

/// What only the look whose turn it is may touch.
#[derive(Default)]
pub(super) struct Turn {
    /// The last look's number and what came of it.
    done: Option<(u64, Result<SyncRecord, SyncError>)>,
}

/// The stop and the write, of which each looks for the other after it has said itself.
#[derive(Default)]
pub(super) struct Stopping {
    asked: AtomicBool,
    writing: AtomicBool,
}

impl Syncer {
    /// Looks when it is this caller's turn, or shares a look that began after it asked.
    pub(super) async fn in_turn(&self, word: Option<Confirmation>) -> Result<SyncRecord, SyncError> {
        let asked = self.inner.begun.load(Ordering::SeqCst);
        let turn = Arc::clone(&self.inner.turn).lock_owned().await;
        if word.is_none()
            && let Some((number, done)) = &turn.done
            && *number > asked
        {
            return done.clone();
        }
        let syncer = self.clone();
        // A task of its own: whoever asked may go away, and the look still ends, with its turn until then.
        let looked = tokio::spawn(async move { syncer.take_turn(turn, word).await }).await;
        let looked = looked.unwrap_or_else(|error| Err(self.panicked(&error)));
        self.inner.looked.send_replace(true);
        looked
    }

    async fn take_turn(&self, mut turn: OwnedMutexGuard<Turn>, word: Option<Confirmation>) -> Result<SyncRecord, SyncError> {
        let number = self.inner.begun.fetch_add(1, Ordering::SeqCst) + 1;
        self.facts().begin(clock::now());
        {
            let mut watched = self.watched();
            watched.following = watched.asked.take();
        }
        let begun = tokio::time::Instant::now();
        let looked = self.look(word.as_ref()).await;
        self.count(&looked, begun.elapsed());
        self.ended(&looked);
        self.inner.stopping.writing.store(false, Ordering::SeqCst);
        turn.done = Some((number, looked.clone()));
        looked
    }

    fn count(&self, looked: &Result<SyncRecord, SyncError>, took: Duration) {
        let outcome = looked.as_ref().map_or("error", |record| record.outcome.as_str());
        self.inner.engine.metrics().work().synced(self.name(), outcome, took, clock::now());
    }

    fn panicked(&self, error: &tokio::task::JoinError) -> SyncError {
        let message = format!("the look ended early: {error}");
        self.inner.stopping.writing.store(false, Ordering::SeqCst);
        self.facts().end(SyncReason::Internal, message.clone(), None, clock::now());
        SyncError::Interrupted(message)
    }

    /// From here on the look writes: a stop waits for it, and after a stop nothing is written.
    pub(super) fn begin_writing(&self) -> Result<(), SyncError> {
        self.inner.stopping.writing.store(true, Ordering::SeqCst);
        match self.inner.stopping.asked.load(Ordering::SeqCst) {
            true => Err(SyncError::Stopping),
            false => Ok(()),
        }
    }

    /// No look writes any more; one that is writing is waited for, one that only reads is not.
    pub(super) async fn stop_writing(&self) {
        self.inner.stopping.asked.store(true, Ordering::SeqCst);
        if self.inner.stopping.writing.load(Ordering::SeqCst)
            && tokio::time::timeout(WRITING, self.inner.turn.lock()).await.is_err()
        {
            tracing::warn!(source = self.name(), "a sync was still being written when its time was over");
        }
    }
}
