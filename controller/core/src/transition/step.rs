//! `pending → running ⇄ waiting → succeeded | failed | skipped | cancelled | unknown`.

use super::IllegalTransition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// State of a step instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Its turn has not come.
    Pending,
    /// Targets run.
    Running,
    /// A person is asked, or a time is waited for.
    Waiting,
    /// Done.
    Succeeded,
    /// More targets failed than allowed.
    Failed,
    /// Its condition was false, or every target was left out.
    Skipped,
    /// The execution was cancelled.
    Cancelled,
    /// It ended with a target of which nobody knows.
    Unknown,
}

/// What can happen to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepChange {
    /// It begins.
    Start,
    /// Its condition was false.
    Skip,
    /// Its condition could not be evaluated.
    Refuse,
    /// It waits for a person or a time.
    Wait,
    /// It is over with this status.
    End(StepStatus),
}

impl StepStatus {
    /// Every status, for the matrix.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Running,
        Self::Waiting,
        Self::Succeeded,
        Self::Failed,
        Self::Skipped,
        Self::Cancelled,
        Self::Unknown,
    ];

    /// The state after a change.
    pub fn next(self, change: StepChange) -> Result<Self, IllegalTransition> {
        match (self, change) {
            (Self::Pending, StepChange::Start) => Ok(Self::Running),
            (Self::Pending, StepChange::Skip) => Ok(Self::Skipped),
            (Self::Pending, StepChange::Refuse) => Ok(Self::Failed),
            (Self::Running, StepChange::Wait) => Ok(Self::Waiting),
            (Self::Running | Self::Waiting, StepChange::End(status)) if status.is_terminal() => Ok(status),
            _ => Err(IllegalTransition { machine: "step", from: self.as_str(), by: change.as_str(), stale: false }),
        }
    }

    /// Over?
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Pending | Self::Running | Self::Waiting)
    }

    /// The word for it in API, CLI and expressions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }
}

impl StepChange {
    /// A name for messages and the matrix.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Skip => "skip",
            Self::Refuse => "refuse",
            Self::Wait => "wait",
            Self::End(StepStatus::Pending) => "end pending",
            Self::End(StepStatus::Running) => "end running",
            Self::End(StepStatus::Waiting) => "end waiting",
            Self::End(StepStatus::Succeeded) => "end succeeded",
            Self::End(StepStatus::Failed) => "end failed",
            Self::End(StepStatus::Skipped) => "end skipped",
            Self::End(StepStatus::Cancelled) => "end cancelled",
            Self::End(StepStatus::Unknown) => "end unknown",
        }
    }
}

impl fmt::Display for StepStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
