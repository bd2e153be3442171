//! Refused requests of nobody that is known: counted by peer and minute, so that whoever knocks all day leaves a row a minute.

use super::ticket::fresh;
use pulse_core::Timestamp;
use pulse_core::audit::{Outcome, Record};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Refusals of credentials that count for nothing which have a row of their own, by peer, until the next count is written down.
const ROWS: u64 = 10;
/// Peers that are counted apart; the others are counted together.
const PEERS: usize = 1000;
/// Actions of one count that are told apart.
const ACTIONS: usize = 20;

/// The action of a count.
const ACTION: &str = "access.refused";

/// Who was refused since the last time that it was written down.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<BTreeMap<Option<IpAddr>, Count>>);

#[derive(Debug, Clone)]
struct Count {
    since: Timestamp,
    /// Those with rows of their own.
    rows: u64,
    requests: u64,
    actions: BTreeMap<String, u64>,
}

impl Strangers {
    fn counts(&self) -> MutexGuard<'_, BTreeMap<Option<IpAddr>, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a refusal, unless it has a row of its own.
    pub(super) fn is_worth_a_row(&self, peer: Option<IpAddr>, action: &str, nobody: bool, now: Timestamp) -> bool {
        let mut counts = self.counts();
        let peer = peer.filter(|peer| counts.len() < PEERS || counts.contains_key(&Some(*peer)));
        let fresh = Count { since: now, rows: 0, requests: 0, actions: BTreeMap::new() };
        let count = counts.entry(peer).or_insert(fresh);
        if !nobody && count.rows < ROWS {
            count.rows += 1;
            return true;
        }
        count.requests += 1;
        if count.actions.len() < ACTIONS || count.actions.contains_key(action) {
            *count.actions.entry(action.to_owned()).or_default() += 1;
        }
        false
    }

    /// The rows of what was counted, which begins anew.
    pub(super) fn take(&self, now: Timestamp) -> Vec<Record> {
        let counts = std::mem::take(&mut *self.counts());
        let rows = counts.into_iter().filter(|(_, count)| count.requests > 0);
        rows.map(|(peer, count)| row(peer, count, now)).collect()
    }
}

fn row(peer: Option<IpAddr>, count: Count, now: Timestamp) -> Record {
    let mut details = Map::new();
    details.insert("requests".to_owned(), json!(count.requests));
    details.insert("since".to_owned(), Value::String(count.since.to_string()));
    details.insert("actions".to_owned(), json!(count.actions));
    Record {
        id: fresh(now),
        at: now,
        principal: None,
        peer: peer.map(|peer| peer.to_string()),
        request_id: None,
        action: ACTION.to_owned(),
        object: None,
        outcome: Outcome::Refused,
        status: Some(401),
        code: Some("unauthorized".to_owned()),
        before: None,
        after: None,
        details,
    }
}
