//! The store's clock: only for a lease's expiry, which has to be written at the moment of the commit and not when a caller
//! asked. It starts at the time that `Store::open` was given and runs on the monotonic clock.

use pulse_core::time::Timestamp;
use std::time::Instant;

/// Wall time at the opening, carried on by the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    opened: Timestamp,
    since: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the clock")]
    pub(crate) fn starting(opened: Timestamp) -> Self {
        Self { opened, since: Instant::now() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.since.elapsed().as_micros()).unwrap_or(i64::MAX);
        Timestamp(self.opened.0.saturating_add(elapsed))
    }
}
