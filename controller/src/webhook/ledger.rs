//! The last webhooks, for people: held here at once, written to the store and to the log at most once a second, however many
//! come. One is kept for each source that was told to look, and of those that were refused two for each reason: one that carried
//! Gitea's headers and one that did not. So what nobody signed hides neither what somebody did, nor why Gitea's own was refused.

use super::{Delivery, Refusal};
use crate::clock;
use pulse_core::Timestamp;
use pulse_store::{Error, Store, WebhookRow};
use serde_json::json;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// The rows of those that were refused begin so: whom they meant is not known, and no source has such a name.
const NOBODYS: &str = "*";
/// Between two writes.
const PERIOD: Duration = Duration::from_secs(1);
/// The word of those that were let in.
const ACCEPTED: &str = "Accepted";

/// The last webhook of a source, or of the refused ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastWebhook {
    /// When it came.
    pub received_at: Timestamp,
    /// Whether it was let in.
    pub accepted: bool,
    /// Why not, as a word; `Accepted` where it was.
    pub reason: String,
    /// What it said of itself.
    pub delivery: Delivery,
}

/// What is held.
#[derive(Default)]
pub struct Ledger {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    last: BTreeMap<String, LastWebhook>,
    unwritten: BTreeSet<String>,
    accepted: u64,
    refused: BTreeMap<&'static str, u64>,
}

impl Ledger {
    /// One was let in, and these sources were told to look.
    pub fn accepted(&self, sources: impl IntoIterator<Item = String>, delivery: &Delivery) {
        let note = LastWebhook { received_at: clock::now(), accepted: true, reason: ACCEPTED.into(), delivery: delivery.clone() };
        let mut state = self.state();
        state.accepted += 1;
        sources.into_iter().for_each(|source| state.note(source, note.clone()));
        drop(state);
        self.changed.notify_one();
    }

    /// One was refused.
    pub fn refused(&self, refusal: Refusal, delivery: Delivery) {
        let note = LastWebhook { received_at: clock::now(), accepted: false, reason: refusal.word().into(), delivery };
        let mut state = self.state();
        *state.refused.entry(refusal.word()).or_default() += 1;
        state.note(row_of(refusal, &note.delivery), note);
        drop(state);
        self.changed.notify_one();
    }

    /// The last one that was let in for each source, and the last ones that were refused. What another controller, or this one
    /// before its start, has written counts as well.
    pub async fn last(&self, store: &Store) -> Result<Last, Error> {
        let mut last = BTreeMap::new();
        for row in store.webhooks().await? {
            match row {
                Ok(row) => drop(last.insert(row.source.clone(), LastWebhook::from(row))),
                Err(error) => tracing::error!(%error, "a webhook's row cannot be read"),
            }
        }
        for (source, held) in &self.state().last {
            if last.get(source).is_none_or(|written| written.received_at <= held.received_at) {
                last.insert(source.clone(), held.clone());
            }
        }
        Ok(Last(last))
    }

    /// Writes until `stopping` says true.
    pub async fn run(&self, store: Store, mut stopping: watch::Receiver<bool>) {
        loop {
            let stopped = tokio::select! {
                () = self.changed.notified() => false,
                _ = stopping.wait_for(|stopping| *stopping) => true,
            };
            self.write(&store).await;
            if stopped || tokio::time::timeout(PERIOD, stopping.wait_for(|stopping| *stopping)).await.is_ok() {
                return self.write(&store).await;
            }
        }
    }

    async fn write(&self, store: &Store) {
        let rows = self.take();
        if rows.is_empty() {
            return;
        }
        if let Err(error) = store.note_webhooks(&rows).await {
            tracing::warn!(%error, "the last webhook could not be noted; it is tried again");
            self.state().unwritten.extend(rows.into_iter().map(|row| row.source));
            self.changed.notify_one();
        }
    }

    /// What is not written yet, and a line in the log about what came since the last.
    fn take(&self) -> Vec<WebhookRow> {
        let mut state = self.state();
        let (accepted, refused) = (std::mem::take(&mut state.accepted), std::mem::take(&mut state.refused));
        if !refused.is_empty() {
            tracing::warn!(?refused, "webhooks were refused");
        }
        if accepted > 0 {
            tracing::info!(accepted, "webhooks were let in");
        }
        let unwritten = std::mem::take(&mut state.unwritten);
        unwritten.into_iter().filter_map(|source| Some(row(&source, state.last.get(&source)?))).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is whole before the lock is given back.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, source: String, note: LastWebhook) {
        self.unwritten.insert(source.clone());
        self.last.insert(source, note);
    }
}

/// The row of a refusal. Only those that claim to come from Gitea replace those that do.
fn row_of(refusal: Refusal, delivery: &Delivery) -> String {
    let word = refusal.word();
    if delivery.has_gitea_headers() { format!("{NOBODYS}/{word}") } else { format!("{NOBODYS}/{word}/other") }
}

/// The last webhooks by their rows.
#[derive(Debug, Clone, Default)]
pub struct Last(BTreeMap<String, LastWebhook>);

impl Last {
    /// The last one that was let in for a source.
    pub fn accepted(&self, source: &str) -> Option<&LastWebhook> {
        self.0.get(source)
    }

    /// The last refusal of each reason, those with Gitea's headers before those without, each newest first.
    pub fn refused(&self) -> Vec<&LastWebhook> {
        let mut refused: Vec<_> = self.0.values().filter(|last| !last.accepted).collect();
        refused.sort_by_key(|last| Reverse(last.weight()));
        let mut seen = BTreeSet::new();
        refused.retain(|last| seen.insert(&last.reason));
        refused
    }

    /// The last one that may have been about a source: let in for it, or refused.
    pub fn about(&self, source: &str) -> Option<&LastWebhook> {
        self.accepted(source).into_iter().chain(self.refused()).max_by_key(|last| last.weight())
    }

    /// The last one of all.
    pub fn of_all(&self) -> Option<&LastWebhook> {
        self.0.values().max_by_key(|last| last.weight())
    }
}

impl LastWebhook {
    /// What is shown first: one that proved whose it is, or at least says that it is Gitea's, before any other; then the newer.
    fn weight(&self) -> (bool, Timestamp) {
        (self.accepted || self.delivery.has_gitea_headers(), self.received_at)
    }
}

fn row(source: &str, last: &LastWebhook) -> WebhookRow {
    let LastWebhook { received_at, accepted, reason, delivery } = last.clone();
    WebhookRow { source: source.to_owned(), received_at, accepted, reason, detail: json!(delivery) }
}

impl From<WebhookRow> for LastWebhook {
    fn from(row: WebhookRow) -> Self {
        let WebhookRow { received_at, accepted, reason, detail, .. } = row;
        // Only for people: what cannot be read is not shown.
        Self { received_at, accepted, reason, delivery: serde_json::from_value(detail).unwrap_or_default() }
    }
}
