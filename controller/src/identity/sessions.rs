//! The sessions of browsers, in memory as in the database. A session ends when it was not used for long, when its time is over, when its
//! holder signs out, and with the token that it was begun with.

use super::secret;
use pulse_core::Timestamp;
use pulse_store::BrowserSession;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// How coarse the time of the last use is.
const MINUTE: i64 = 60_000_000;
/// Sessions at a time; whoever begins one more ends the one that was used the longest time ago.
const MOST: usize = 10_000;

/// Whose a session is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Holder {
    /// Whoever had the administrator's token, whose hash this is the hash of: another token ends it.
    Admin {
        /// Of the hash.
        hash: String,
    },
    /// Whoever had a token of the API.
    Token {
        /// Which.
        id: Uuid,
    },
    /// A person whom an issuer vouched for.
    Person {
        /// Their name.
        name: String,
        /// What people call them.
        display_name: Option<String>,
        /// Where mail reaches them.
        email: Option<String>,
        /// Their groups, when they signed in.
        groups: BTreeSet<String>,
    },
}

/// The sessions.
#[derive(Default)]
pub struct Sessions {
    known: Mutex<HashMap<String, Known>>,
}

struct Known {
    holder: Holder,
    seen_at: Timestamp,
    expires_at: Timestamp,
    used: Option<Timestamp>,
}

impl Sessions {
    /// Those of the database. What an older release wrote and cannot be read is a session that has ended.
    pub(super) fn of(rows: impl IntoIterator<Item = BrowserSession>) -> Self {
        let known = rows.into_iter().filter_map(|row| {
            let holder = serde_json::from_value(row.holder).ok()?;
            Some((row.secret_hash, Known { holder, seen_at: row.seen_at, expires_at: row.expires_at, used: None }))
        });
        Self { known: Mutex::new(known.collect()) }
    }

    /// Whose the session of this secret is, if it counts now.
    pub(super) fn find(&self, secret: &str, now: Timestamp, idle: i64) -> Option<Holder> {
        let mut known = self.lock();
        let one = known.get_mut(&secret::hash(secret))?;
        if !one.counts(now, idle) {
            return None;
        }
        if one.seen_at.0 / MINUTE < now.0 / MINUTE {
            one.seen_at = now;
            one.used = Some(now);
        }
        Some(one.holder.clone())
    }

    /// Puts one in. Answers the hash of one that had to go for it.
    pub(super) fn put(&self, row: &BrowserSession, holder: Holder) -> Option<String> {
        let mut known = self.lock();
        let one = Known { holder, seen_at: row.seen_at, expires_at: row.expires_at, used: None };
        known.insert(row.secret_hash.clone(), one);
        if known.len() <= MOST {
            return None;
        }
        let oldest = known.iter().min_by_key(|(_, one)| one.seen_at).map(|(hash, _)| hash.clone())?;
        known.remove(&oldest);
        Some(oldest)
    }

    /// Ends one.
    pub(super) fn end(&self, hash: &str) {
        self.lock().remove(hash);
    }

    /// Takes out what has ended by itself, and answers its hashes.
    pub(super) fn take_ended(&self, now: Timestamp, idle: i64) -> Vec<String> {
        let mut known = self.lock();
        let ended: Vec<String> = known.iter().filter(|(_, one)| !one.counts(now, idle)).map(|(hash, _)| hash.clone()).collect();
        ended.iter().for_each(|hash| drop(known.remove(hash)));
        ended
    }

    /// The uses that the database does not know yet, which it is told now.
    pub(super) fn take_uses(&self) -> Vec<(String, Timestamp)> {
        self.lock().iter_mut().filter_map(|(hash, one)| one.used.take().map(|at| (hash.clone(), at))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// `idle`: without use it ends after so many microseconds.
    fn counts(&self, now: Timestamp, idle: i64) -> bool {
        now < self.expires_at && now.0 - self.seen_at.0 < idle
    }
}
