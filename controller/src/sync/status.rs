//! What is known of a source beside what the database holds, and both together as people see them.

use super::{SyncError, Syncer};
use crate::clock;
use pulse_core::Timestamp;
use pulse_core::source_status::{LastSync, SourceFacts, SourceReason, SourceStatus, SyncReason, conditions};
use pulse_store::{SyncOutcome, SyncRecord};
use std::sync::{MutexGuard, PoisonError};

/// Hot state: all of it is only about this controller's own looks.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) facts: SourceFacts,
    pub(super) next_look: Option<Timestamp>,
    /// When a hint came that no look has followed yet, and the one that the present look follows.
    pub(super) asked: Option<Timestamp>,
    pub(super) following: Option<Timestamp>,
}

impl Syncer {
    /// How the source stands.
    pub async fn status(&self) -> Result<SourceStatus<SyncRecord>, pulse_store::Error> {
        let state = self.inner.store.source(self.name()).await?;
        let last_sync = self.inner.store.last_sync(self.name()).await?;
        let watched = self.watched();
        let mut facts = watched.facts.clone();
        // Before the first look of this controller, what the one before it wrote down is what is known.
        facts.last = facts.last.or_else(|| last_sync.as_ref().map(told));
        Ok(SourceStatus {
            name: self.name().to_owned(),
            address: self.source().address(),
            observed_commit: state.as_ref().map(|state| state.commit.clone()),
            generation: state.map_or(0, |state| state.generation),
            last_sync,
            last_look: facts.last_look,
            next_look: watched.next_look,
            failures: facts.failures,
            conditions: conditions(&facts),
        })
    }

    /// What this controller has seen of it.
    pub fn known(&self) -> SourceFacts {
        self.watched().facts.clone()
    }

    /// Takes in how a look ended.
    pub(super) fn ended(&self, looked: &Result<SyncRecord, SyncError>) {
        let now = clock::now();
        match looked {
            Ok(record) => {
                let LastSync { reason, message, since } = told(record);
                self.facts().end(reason, message, Some(since), now);
            }
            Err(error) => {
                tracing::error!(source = self.name(), %error, "the source could not be synced");
                self.facts().end(SyncReason::Internal, error.to_string(), None, now);
            }
        }
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        Facts(self.watched())
    }

    pub(super) fn watched(&self) -> MutexGuard<'_, Watched> {
        // Nothing in here panics half-way through a change.
        self.inner.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The facts, guarded.
pub(super) struct Facts<'a>(MutexGuard<'a, Watched>);

impl std::ops::Deref for Facts<'_> {
    type Target = SourceFacts;
    fn deref(&self) -> &SourceFacts {
        &self.0.facts
    }
}

impl std::ops::DerefMut for Facts<'_> {
    fn deref_mut(&mut self) -> &mut SourceFacts {
        &mut self.0.facts
    }
}

/// What a record says of the source. A row stands for every look that ended like it.
fn told(record: &SyncRecord) -> LastSync {
    LastSync {
        reason: reason(record),
        message: record.message.clone().unwrap_or_default(),
        since: Timestamp(record.started_at.0.saturating_add(record.duration_us)),
    }
}

/// Rows of older releases have no reason of their own.
fn reason(record: &SyncRecord) -> SyncReason {
    let said = record.reason.as_deref().and_then(SyncReason::from_word);
    said.unwrap_or(match record.outcome {
        SyncOutcome::Applied => SyncReason::Applied,
        SyncOutcome::Unchanged => SyncReason::Unchanged,
        SyncOutcome::Refused => SyncReason::InvalidManifests,
        SyncOutcome::Held => SyncReason::Held,
        SyncOutcome::Unreachable => SyncReason::Source(SourceReason::Unreachable),
    })
}
