//! Durations as users write them: a whole number and a unit (`90s`, `10m`, `2h`, `1d`, `250ms`). A bare number is refused.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A length of time in whole milliseconds, at most [`Duration::MAX`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    millis: u64,
}

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl Duration {
    /// 366 days: no step and no wait of a sane workflow is longer, and no arithmetic on it overflows.
    pub const MAX: Self = Self { millis: 366 * 86_400_000 };

    /// From milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self { millis }
    }
    /// From seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self { millis: seconds * 1000 }
    }
    /// In milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.millis
    }
    /// In microseconds, the unit of stored times.
    pub const fn as_micros(self) -> i64 {
        (self.millis as i64) * 1000
    }
}

/// Why a text is no duration; the message says the mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidDuration(String);

impl fmt::Display for InvalidDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for InvalidDuration {}

impl FromStr for Duration {
    type Err = InvalidDuration;
    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let shown: String = text.chars().take(40).collect();
        if digits == 0 {
            return Err(InvalidDuration(format!("`{shown}` is no duration; write a number and a unit, such as `90s`")));
        }
        if unit.is_empty() {
            return Err(InvalidDuration(format!("`{shown}` has no unit; write `{shown}s`, `{shown}m` or `{shown}h`")));
        }
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(InvalidDuration(format!("`{shown}` has an unknown unit; use ms, s, m, h or d")));
        };
        let millis = number.parse::<u64>().ok().and_then(|n| n.checked_mul(*factor)).filter(|m| *m <= Self::MAX.millis);
        millis.map(Self::from_millis).ok_or_else(|| InvalidDuration(format!("`{shown}` is longer than 366 days")))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let largest = UNITS.iter().rev().find(|(_, factor)| self.millis >= *factor && self.millis.is_multiple_of(*factor));
        let (unit, factor) = largest.copied().unwrap_or(("s", 1000));
        write!(f, "{}{unit}", self.millis / factor)
    }
}
impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]+(ms|s|m|h|d)$",
            "description": "A whole number and a unit: 250ms, 90s, 10m, 2h, 1d.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Duration;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, millis) in [("250ms", 250), ("90s", 90_000), ("10m", 600_000), ("2h", 7_200_000), ("0s", 0)] {
            assert_eq!(text.parse::<Duration>().map(Duration::as_millis), Ok(millis), "{text}");
        }
        for text in ["", "90", "s", "1.5h", "-1s", "1 s", "9999999999999999999d", "1w"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_printed_reads_back_as_the_same_length() {
        for millis in [0, 1, 999, 1000, 60_000, 90_000, 86_400_000] {
            let duration = Duration::from_millis(millis);
            assert_eq!(duration.to_string().parse(), Ok(duration));
        }
    }
}
