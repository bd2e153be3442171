//! The only clock. Everything else is told the time.

use pulse_core::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The time now, microseconds UTC.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
