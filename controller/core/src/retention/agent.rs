//! Agents that nobody will miss: not heard of for long, while a controller was there to hear.

use super::Age;
use crate::elapsed::{Span, deadline};
use crate::time::Timestamp;
use crd_schemas::Duration;

/// Whether an agent that was last heard of then has been silent for longer than that. Time in which no controller ran is not its silence.
pub fn is_stale(age: Age, heard: Timestamp, absences: impl IntoIterator<Item = Span>, now: Timestamp) -> bool {
    let Age::Seconds(seconds) = age else { return false };
    now >= deadline(heard, Duration::from_secs(seconds), absences)
}
