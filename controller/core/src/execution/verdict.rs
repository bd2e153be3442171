//! What the end of an attempt means for its target. Judged once, when the report is taken in, and recorded in the event.

use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What follows for a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Verdict {
    /// Done.
    Succeeded,
    /// Failed for good.
    Failed {
        /// In one sentence.
        reason: String,
    },
    /// Failed; `retry` allows another try.
    Retry {
        /// Not before.
        at: Timestamp,
        /// In one sentence.
        reason: String,
    },
    /// Proven never to have started: another attempt at once, not counted in `retry`.
    Again {
        /// In one sentence.
        reason: String,
    },
    /// The command took its host down, as `expectDisconnect` says; done once the host is back with another boot id.
    Reboot {
        /// Not later, but for the time in which no controller ran.
        until: Timestamp,
    },
    /// Nobody knows.
    Unknown,
    /// Left out.
    Skipped {
        /// In one sentence.
        reason: String,
    },
    /// Ended because the execution was cancelled.
    Cancelled,
}
