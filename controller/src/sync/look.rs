//! One look at the source, from reading to the recorded end.

use super::reading::Purpose;
use super::record::{Begun, Finding};
use super::{Checked, Confirmation, Planned, SyncError, Syncer};
use crate::clock;
use crate::feed::Notice;
use pulse_store::{ApplyError, SyncOutcome, SyncRecord};
use std::sync::Arc;

/// Plans made anew because another writer was first, before a look is given up.
const TRIES: usize = 5;

impl Syncer {
    /// Looks once. The caller has the turn.
    pub(super) async fn look(&self, confirmed: Option<&Confirmation>) -> Result<SyncRecord, SyncError> {
        let last = self.inner.store.last_sync(self.name()).await?;
        let begun = Begun::now(self.name(), last.as_ref());
        let checked = match self.read(Purpose::Look).await {
            Ok((checked, cache)) => {
                *self.cache() = Arc::new(cache);
                checked
            }
            Err(SyncError::Source(error)) => return self.record(last, begun.unreachable(&error)).await,
            Err(error @ SyncError::Hangs { since }) => return self.record(last, begun.hanging(since, &error)).await,
            Err(error) => return Err(error),
        };
        if checked.errors() > 0 {
            return self.record(last, begun.refused(&checked)).await;
        }
        for _ in 0..TRIES {
            let planned = self.plan(&checked).await?;
            if planned.is_live(&checked) {
                return self.record(last, begun.finish(Finding::of(SyncOutcome::Unchanged, &checked, &planned))).await;
            }
            let releases = |word: &&Confirmation| word.commit == checked.commit.id && word.plan_digest == planned.plan.digest();
            let needed = planned.plan.needs_confirmation();
            let word = confirmed.filter(|_| needed).filter(releases);
            if needed && word.is_none() {
                return self.record(last, begun.finish(Finding::of(SyncOutcome::Held, &checked, &planned))).await;
            }
            if let Some(record) = self.apply(&begun, &checked, &planned, word).await? {
                return Ok(record);
            }
        }
        Err(SyncError::Interrupted("another writer was first each time".to_owned()))
    }

    /// Applies a plan; `None` if another writer was first, and it must be made anew.
    async fn apply(
        &self,
        begun: &Begun<'_>,
        checked: &Checked,
        planned: &Planned,
        word: Option<&Confirmation>,
    ) -> Result<Option<SyncRecord>, SyncError> {
        // An edit that changes no object, such as a comment's, still moves the commit that new executions name.
        let outcome = if planned.plan.is_empty() { SyncOutcome::Unchanged } else { SyncOutcome::Applied };
        let record = begun.finish(Finding::of(outcome, checked, planned).released_by(word));
        let apply = planned.apply(self.name(), checked, record.clone(), clock::now());
        self.begin_writing()?;
        match self.inner.store.apply(&apply).await {
            Ok(generation) => {
                let (source, commit, digest) = (self.name(), apply.commit.as_str(), apply.digest.as_str());
                let confirmed_by = word.map(|word| word.by.as_str());
                tracing::info!(source, commit, generation, confirmed_by, message = record.message, "synced");
                self.advance_heads(planned, commit, digest, generation);
                self.inner.engine.definitions_applied(apply, generation).await?;
                self.tell(&record);
                Ok(Some(record))
            }
            Err(ApplyError::Moved { .. }) => {
                self.keep_heads(None);
                Ok(None)
            }
            Err(ApplyError::Store(error)) => {
                // Whether it was applied may be unclear; the next look asks the database.
                self.keep_heads(None);
                Err(error.into())
            }
        }
    }

    /// Records a sync that changed nothing live, unless the last one says the same.
    async fn record(&self, last: Option<SyncRecord>, record: SyncRecord) -> Result<SyncRecord, SyncError> {
        if let Some(last) = last.filter(|last| says_the_same(last, &record)) {
            return Ok(last);
        }
        let (source, outcome, message) = (self.name(), record.outcome.as_str(), record.message.as_deref());
        match record.outcome {
            SyncOutcome::Unchanged | SyncOutcome::Applied => tracing::info!(source, outcome, message, "synced"),
            _ => tracing::warn!(source, outcome, message, "synced"),
        }
        self.begin_writing()?;
        self.inner.store.record_sync(&record).await?;
        self.tell(&record);
        Ok(record)
    }

    /// Tells listeners of a sync that is recorded.
    fn tell(&self, record: &SyncRecord) {
        self.inner.engine.tracer().synced(record, self.watched().following.take());
        let (source, outcome) = (record.source.clone(), record.outcome.as_str());
        self.inner.engine.feed().tell(Notice::Sync { source, sync: record.id, outcome });
    }
}

/// Outcome, reason, commit, plan and problems are the same. When it was, how long it took and what a server said in its own
/// words, such as a request's number, make no other sync.
fn says_the_same(last: &SyncRecord, record: &SyncRecord) -> bool {
    let SyncRecord { id, message, started_at, duration_us, .. } = last.clone();
    SyncRecord { id, message, started_at, duration_us, ..record.clone() } == *last
}
