//! People, as they come in: noted when they are new, when something of them has changed, and every few minutes.

use pulse_core::Timestamp;
use pulse_store::{Seen, Store, User};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How long nobody is noted again of whom nothing has changed, in microseconds.
const AGAIN: i64 = 5 * 60_000_000;
/// People whose last note is remembered.
const REMEMBERED: usize = 10_000;

/// Who was noted last, and how.
#[derive(Default)]
pub(super) struct Known(Mutex<HashMap<String, User>>);

impl Known {
    /// Notes somebody. A name belongs to who had it first.
    pub(super) async fn see(&self, store: &Store, user: User) -> Result<Seen, pulse_store::Error> {
        if self.is_noted(&user) {
            return Ok(Seen::Theirs);
        }
        let seen = store.see_user(&user).await?;
        if seen == Seen::Theirs {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(user.name.clone(), user);
        }
        Ok(seen)
    }

    fn is_noted(&self, user: &User) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&user.name).is_some_and(|last| {
            user.last_seen_at.0 - last.last_seen_at.0 < AGAIN
                && User { last_seen_at: Timestamp(0), first_seen_at: Timestamp(0), ..last.clone() }
                    == User { last_seen_at: Timestamp(0), first_seen_at: Timestamp(0), ..user.clone() }
        })
    }
}
