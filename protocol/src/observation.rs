//! The agent's picture: what it has observed of each attempt. Reports are states, not changes: the newest one says all.

use crate::ids::AttemptId;
use serde::{Deserialize, Serialize};

/// What an agent knows of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Observation {
    /// The attempt.
    pub attempt: AttemptId,
    /// What was observed.
    pub observed: Observed,
}

/// The states an agent can report, in the order in which they can follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Observed {
    /// Written to the journal; the command may start at any moment from now on.
    Accepted,
    /// The command runs.
    Started {
        /// The command's process id on the agent.
        pid: i64,
    },
    /// The attempt is over on this agent and nothing of it will run any more (`unknown` excepted).
    Ended(Ended),
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// How.
    pub how: EndKind,
    /// Milliseconds the command ran, on the agent's monotonic clock; 0 when it did not or nobody knows.
    #[serde(default)]
    pub duration_ms: u64,
    /// stdout's totals.
    #[serde(default)]
    pub stdout: OutputTotals,
    /// stderr's totals.
    #[serde(default)]
    pub stderr: OutputTotals,
    /// stdout's text where the assignment asked for it and it was at most 64 KiB (lossy UTF-8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<String>,
    /// Processes that the command left running behind it when it ended by itself.
    #[serde(default)]
    pub left_behind: bool,
    /// It never started because the controller had withdrawn it. Absent unless so; agents of earlier builds never say it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

/// The ways an attempt ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum EndKind {
    /// The command exited.
    Exited {
        /// Its exit code.
        code: i64,
    },
    /// A signal that was not PULSE's ended the command.
    Signalled {
        /// The signal's number.
        signal: i64,
    },
    /// The time was over; the process group was ended and is confirmed empty.
    TimedOut,
    /// The controller asked for it; the process group was ended and is confirmed empty.
    Cancelled,
    /// Proof that the command never started, and never will.
    NotStarted {
        /// Why, in one sentence.
        reason: String,
    },
    /// It cannot be known whether the command ran or how it ended.
    Unknown {
        /// Why, in one sentence.
        reason: UnknownReason,
    },
}

/// Why an agent cannot know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnknownReason {
    /// The shim that watched the command died without an exit record.
    SupervisorLost,
    /// The host rebooted while the command may have been running.
    HostRebooted,
    /// After timeout or cancel the process group could not be confirmed empty.
    StopUnconfirmed,
    /// The journal was damaged or lost, so its word on this attempt is missing.
    JournalLost,
}

/// A stream's totals, exact also where the stored output is cut.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct OutputTotals {
    /// All bytes that the command wrote.
    pub bytes: u64,
    /// SHA-256 of all of them, lower-case hex; empty when unknown.
    #[serde(default)]
    pub sha256: String,
}

impl Ended {
    /// An end of which nothing but its kind is known.
    pub fn bare(how: EndKind) -> Self {
        let totals = OutputTotals::default;
        Self { how, duration_ms: 0, stdout: totals(), stderr: totals(), captured: None, left_behind: false, withdrawn: false }
    }

    /// It never started, and never will, because the controller had withdrawn it.
    pub fn withdrawn() -> Self {
        let reason = "it was withdrawn before this agent started it".to_owned();
        Self { withdrawn: true, ..Self::bare(EndKind::NotStarted { reason }) }
    }
}
