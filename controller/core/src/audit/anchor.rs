//! What the log itself says of its beginning: retention has removed the rows up to here. The row that says so is sealed before anything goes, so
//! that the chain that is left hangs on a row of its own.

use super::{Head, Outcome, Record};
use serde_json::{Map, Value, json};

/// The action of such a row.
pub const ANCHOR: &str = "retention.audit";

/// Up to where rows have gone, or may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The last of them: its number, which is how many have gone since the first row, and its hash.
    pub through: Head,
}

impl Anchor {
    /// What a row says, if it is such a one.
    pub fn of(record: &Record) -> Option<Self> {
        if record.action != ANCHOR || record.outcome != Outcome::Done {
            return None;
        }
        let through = record.details.get("through")?.as_str()?.parse().ok()?;
        Some(Self { through })
    }

    /// What such a row says.
    pub fn details(self) -> Map<String, Value> {
        let said = json!({ "through": self.through.to_string(), "rows": self.through.seq });
        said.as_object().cloned().unwrap_or_default()
    }

    /// Whether rows up to this one may have gone.
    pub fn covers(self, head: Head) -> bool {
        head.seq < self.through.seq || head == self.through
    }
}
