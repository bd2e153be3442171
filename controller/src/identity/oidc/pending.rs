//! Those who were sent to the issuer and have not come back yet. In memory: whoever is on the way while the controller ends begins anew.

use pulse_core::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How long somebody may be on the way, in microseconds.
const LIFE: i64 = 600 * 1_000_000;
/// How many at a time.
const MOST: usize = 10_000;

/// Somebody on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct One {
    /// What proves that the code is redeemed by who asked for it (RFC 7636).
    pub(super) verifier: String,
    /// What the ID token must repeat.
    pub(super) nonce: String,
    /// The path to go back to.
    pub(super) back: String,
}

/// All of them, by their state.
#[derive(Default)]
pub(super) struct Pending(Mutex<HashMap<String, (i64, One)>>);

impl Pending {
    /// Puts one in; false where too many are on the way.
    pub(super) fn put(&self, state: String, one: One, now: Timestamp) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.retain(|_, (at, _)| now.0 - *at < LIFE);
        }
        let has_room = all.len() < MOST;
        if has_room {
            all.insert(state, (now.0, one));
        }
        has_room
    }

    /// Takes one out: a state counts once.
    pub(super) fn take(&self, state: &str, now: Timestamp) -> Option<One> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(state).filter(|(at, _)| now.0 - at < LIFE).map(|(_, one)| one)
    }
}

#[cfg(test)]
mod tests {
    use super::{LIFE, MOST, One, Pending};
    use pulse_core::Timestamp;

    #[test]
    fn a_state_counts_once_and_for_ten_minutes() {
        let pending = Pending::default();
        let one = || One { verifier: "v".into(), nonce: "n".into(), back: "/".into() };
        for number in 0..MOST {
            assert!(pending.put(number.to_string(), one(), Timestamp(0)));
        }
        assert!(!pending.put("more".into(), one(), Timestamp(LIFE - 1)));
        assert_eq!(pending.take("0", Timestamp(LIFE - 1)), Some(one()));
        assert_eq!(pending.take("0", Timestamp(LIFE - 1)), None);
        assert_eq!(pending.take("1", Timestamp(LIFE)), None);
        assert!(pending.put("more".into(), one(), Timestamp(LIFE)), "those who never came back make room");
    }
}
