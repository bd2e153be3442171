//! How long something is kept: a number and a unit, or for ever. Longer than any duration of a workflow: an audit log is kept for years.

use crate::time::Timestamp;
use std::fmt;
use std::str::FromStr;

/// Days that something is kept at most, when not for ever: a hundred years.
const MOST_DAYS: u64 = 36_525;
const UNITS: [(&str, u64); 4] = [("m", 60), ("h", 3600), ("d", 86_400), ("y", 365 * 86_400)];

/// How long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Age {
    /// So many seconds after its end.
    Seconds(u64),
    /// For ever.
    Forever,
}

/// Why a text says no age, and what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` says no age: write a number and a unit, such as `12h`, `90d` or `2y` (100 years at most), or `forever`")]
pub struct InvalidAge(String);

impl Age {
    /// So many days.
    pub const fn days(days: u64) -> Self {
        Self::Seconds(days * 86_400)
    }

    /// What ended before this is older; none where nothing ever is.
    pub fn before(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Seconds(seconds) => {
                let micros = i64::try_from(seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
                Some(Timestamp(now.0.saturating_sub(micros)))
            }
            Self::Forever => None,
        }
    }
}

impl FromStr for Age {
    type Err = InvalidAge;
    fn from_str(text: &str) -> Result<Self, InvalidAge> {
        if text == "forever" {
            return Ok(Self::Forever);
        }
        let invalid = || InvalidAge(text.chars().take(40).collect());
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(invalid)?;
        let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
        seconds.filter(|seconds| *seconds <= MOST_DAYS * 86_400).map(Self::Seconds).ok_or_else(invalid)
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Seconds(seconds) = self else { return f.write_str("forever") };
        let largest = UNITS[..3].iter().rev().find(|(_, factor)| seconds.is_multiple_of(*factor) && seconds >= factor);
        let (unit, factor) = largest.copied().unwrap_or(("m", 60));
        write!(f, "{}{unit}", seconds / factor)
    }
}
