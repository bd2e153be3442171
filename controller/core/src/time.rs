//! Time as data: microseconds since 1970 UTC. No clock lives in this crate; `now` is always an argument.

use crd_schemas::Duration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// An instant, microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This instant and so much later; stops at the end of time instead of wrapping.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_micros()))
    }
    /// This instant and so many microseconds later; stops at the end of time instead of wrapping.
    pub(crate) fn later(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }
    /// Time from `earlier` to this instant; zero if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0) / 1000).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    /// As RFC 3339 writes it, in UTC; an instant that no calendar has is a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(at) => write!(f, "{at}"),
            Err(_) => write!(f, "{} µs since 1970", self.0),
        }
    }
}

/// As the API writes it; what is stored is the number.
impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "description": "RFC 3339, UTC, with microseconds." })
    }
}
