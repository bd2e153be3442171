//! The tokens of the API, in memory: read when the controller becomes the active one, and changed with the database, which only the
//! active controller writes.

use super::secret;
use pulse_core::Timestamp;
use pulse_store::ApiToken;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// How coarse the time of the last use is, in microseconds: one write for all uses of a minute.
const MINUTE: i64 = 60_000_000;

/// The tokens.
#[derive(Default)]
pub struct Tokens {
    known: Mutex<HashMap<Uuid, Known>>,
}

struct Known {
    token: ApiToken,
    /// A use that the database does not know.
    used: Option<Timestamp>,
}

impl Tokens {
    pub(super) fn of(tokens: impl IntoIterator<Item = ApiToken>) -> Self {
        let known = tokens.into_iter().map(|token| (token.id, Known { token, used: None }));
        Self { known: Mutex::new(known.collect()) }
    }

    /// The token that this is, if it counts now.
    pub(super) fn find(&self, text: &str, now: Timestamp) -> Option<ApiToken> {
        let mut known = self.lock();
        let one = known.get_mut(&secret::id_of(text)?)?;
        if !secret::is_equal(&one.token.secret_hash, &secret::hash(text)) || !counts(&one.token, now) {
            return None;
        }
        if one.token.last_used_at.is_none_or(|at| at.0 / MINUTE < now.0 / MINUTE) {
            one.token.last_used_at = Some(now);
            one.used = Some(now);
        }
        Some(one.token.clone())
    }

    /// A token that counts now, by its id.
    pub(super) fn get(&self, id: Uuid, now: Timestamp) -> Option<ApiToken> {
        self.lock().get(&id).map(|one| one.token.clone()).filter(|token| counts(token, now))
    }

    /// Puts one in.
    pub(super) fn put(&self, token: ApiToken) {
        self.lock().insert(token.id, Known { token, used: None });
    }

    /// Marks one as revoked; false where it was so before, or there is none.
    pub(super) fn revoke(&self, id: Uuid, by: &str, at: Timestamp) {
        if let Some(one) = self.lock().get_mut(&id) {
            one.token.revoked.get_or_insert((at, by.to_owned()));
        }
    }

    /// Every token, newest first.
    pub fn list(&self) -> Vec<ApiToken> {
        let mut all: Vec<ApiToken> = self.lock().values().map(|one| one.token.clone()).collect();
        all.sort_by_key(|token| std::cmp::Reverse(token.id));
        all
    }

    /// The uses that the database does not know yet, which it is told now.
    pub(super) fn take_uses(&self) -> Vec<(Uuid, Timestamp)> {
        self.lock().iter_mut().filter_map(|(id, one)| one.used.take().map(|at| (*id, at))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a token counts.
pub fn counts(token: &ApiToken, now: Timestamp) -> bool {
    token.revoked.is_none() && token.expires_at.is_none_or(|at| now < at)
}
