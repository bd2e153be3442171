//! How many requests somebody may make: a bucket for each caller, filled at a steady pace and emptied by requests. Kept as one
//! instant per caller (the generic cell rate algorithm), so that neither a burst nor a pause costs memory.

use crate::Timestamp;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::str::FromStr;

/// So many requests in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests, also at once.
    pub requests: u32,
    /// In so many seconds.
    pub seconds: u32,
}

/// Text that is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no rate: write, for example, `600/m`, with `s`, `m` or `h` and 1 to 1000000 requests")]
pub struct InvalidRate;

impl FromStr for Rate {
    type Err = InvalidRate;
    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let (requests, unit) = text.split_once('/').ok_or(InvalidRate)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(InvalidRate),
        };
        let requests = requests.parse().ok().filter(|requests| (1..=1_000_000).contains(requests));
        Ok(Self { requests: requests.ok_or(InvalidRate)?, seconds })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds {
            1 => write!(f, "{}/s", self.requests),
            60 => write!(f, "{}/m", self.requests),
            _ => write!(f, "{}/h", self.requests),
        }
    }
}

impl Rate {
    fn window(self) -> i64 {
        i64::from(self.seconds) * 1_000_000
    }
    /// Microseconds that one request takes from the bucket; at least one, so that each counts.
    fn pace(self) -> i64 {
        (self.window() / i64::from(self.requests)).max(1)
    }
}

/// What is said of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// It may come in.
    pub allowed: bool,
    /// Requests that may follow at once.
    pub remaining: u32,
    /// Seconds until the bucket is full again.
    pub full_in: u32,
    /// Seconds until the next request is allowed; 0 where it is now.
    pub retry_in: u32,
}

/// The buckets of many callers, at most `max` of them: beyond that, those that are nearest to full are forgotten, which lets their
/// owners begin anew with a full one.
#[derive(Debug)]
pub struct Buckets<K> {
    rate: Rate,
    max: usize,
    /// When each bucket is full again; one that is full is not kept.
    full_at: HashMap<K, Timestamp>,
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    /// None is in use.
    pub fn new(rate: Rate, max: usize) -> Self {
        Self { rate, max, full_at: HashMap::new() }
    }

    /// What they hold to.
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes one request out of a caller's bucket, where there is one in it.
    pub fn take(&mut self, caller: &K, now: Timestamp) -> Allowance {
        let full_at = self.full_at.get(caller).copied().unwrap_or(now).max(now);
        let next = full_at.later(self.rate.pace());
        let over = next.0.saturating_sub(now.0) - self.rate.window();
        if over > 0 {
            return self.allowance(false, full_at, now, over);
        }
        if !self.full_at.contains_key(caller) {
            self.make_room(now);
        }
        self.full_at.insert(caller.clone(), next);
        self.allowance(true, next, now, 0)
    }

    fn allowance(&self, allowed: bool, full_at: Timestamp, now: Timestamp, over: i64) -> Allowance {
        let used = full_at.0.saturating_sub(now.0);
        let remaining = ((self.rate.window() - used).max(0) / self.rate.pace()).min(i64::from(self.rate.requests));
        let seconds = |micros: i64| {
            u32::try_from(micros.max(0).div_euclid(1_000_000) + i64::from(micros % 1_000_000 > 0)).unwrap_or(u32::MAX)
        };
        let remaining = u32::try_from(remaining).unwrap_or(u32::MAX);
        Allowance { allowed, remaining, full_in: seconds(used), retry_in: seconds(over) }
    }

    /// Forgets buckets that are full, and where that is not enough the eighth that will be full first: many at once, so that a flood
    /// of callers does not look through all of them for each request.
    fn make_room(&mut self, now: Timestamp) {
        if self.full_at.len() < self.max {
            return;
        }
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() < self.max {
            return;
        }
        let mut times: Vec<Timestamp> = self.full_at.values().copied().collect();
        let place = times.len() / 8;
        let (_, first, _) = times.select_nth_unstable(place);
        let first = *first;
        self.full_at.retain(|_, full_at| *full_at > first);
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowance, Buckets, Rate};
    use crate::Timestamp;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    #[test]
    fn a_bucket_is_emptied_and_fills_again() {
        let mut buckets = Buckets::new("3/m".parse().unwrap(), 10);
        let said: Vec<_> = (0..4).map(|_| buckets.take(&"a", at(100))).collect();
        assert_eq!(said[0], Allowance { allowed: true, remaining: 2, full_in: 20, retry_in: 0 });
        assert_eq!(said[2], Allowance { allowed: true, remaining: 0, full_in: 60, retry_in: 0 });
        assert_eq!(said[3], Allowance { allowed: false, remaining: 0, full_in: 60, retry_in: 20 });
        assert!(buckets.take(&"b", at(100)).allowed, "another caller has a bucket of their own");
        assert!(!buckets.take(&"a", at(119)).allowed);
        assert!(buckets.take(&"a", at(120)).allowed);
        assert_eq!(buckets.take(&"a", at(1000)).remaining, 2, "it is never more than full");
    }

    #[test]
    fn as_many_callers_are_kept_as_may_be() {
        let mut buckets = Buckets::new("10/h".parse().unwrap(), 100);
        for caller in 0..100_000_i64 {
            buckets.take(&caller, Timestamp(caller));
        }
        assert!(buckets.full_at.len() <= 100, "{}", buckets.full_at.len());
    }

    #[test]
    fn rates_are_read_and_written() {
        for text in ["1/s", "600/m", "1000000/h"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for text in ["", "600", "0/m", "1000001/s", "-1/m", "600/d", "600/m ", "1.5/s", "/m"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    proptest! {
        /// Whatever comes when, no window holds more than twice the rate, and what is refused is allowed when it is said to be.
        #[test]
        fn no_more_come_in_than_are_allowed(requests in 1u32..50, gaps in prop::collection::vec(0i64..3_000_000, 1..200)) {
            let rate = Rate { requests, seconds: 60 };
            let mut buckets = Buckets::new(rate, 10);
            let (mut now, mut let_in) = (0, Vec::new());
            for gap in gaps {
                now += gap;
                let said = buckets.take(&(), Timestamp(now));
                if said.allowed {
                    let_in.push(now);
                } else {
                    prop_assert!(said.retry_in > 0);
                    let mut later = Buckets { rate, max: 10, full_at: buckets.full_at.clone() };
                    prop_assert!(later.take(&(), Timestamp(now + i64::from(said.retry_in) * 1_000_000)).allowed);
                }
            }
            for (index, first) in let_in.iter().enumerate() {
                let within = let_in[index..].iter().take_while(|one| **one < first + 60_000_000).count();
                prop_assert!(within <= 2 * requests as usize);
            }
        }
    }
}
