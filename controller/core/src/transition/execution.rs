//! `pending → running ⇄ waiting → succeeded | failed | cancelled`.

use super::IllegalTransition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// State of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutionState {
    /// Accepted, not begun.
    Pending,
    /// Steps run.
    Running,
    /// Held by a person, timer, pause, queue or `unknown`.
    Waiting(WaitReason),
    /// Over, for good.
    Ended(ExecutionEnd),
}

/// How an execution ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionEnd {
    /// Every step that had to succeed did.
    Succeeded,
    /// A step failed, or an `unknown` was not waited for.
    Failed,
    /// Somebody ended it.
    Cancelled,
}

/// What holds a waiting execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// An attempt is `unknown`.
    Unknown,
    /// A person is asked.
    Person,
    /// A time is waited for.
    Timer,
    /// Another execution runs, or is before it in the queue.
    Queue,
    /// Somebody set a pause.
    Pause,
}

impl WaitReason {
    /// Every reason, for the matrix.
    pub const ALL: [Self; 5] = [Self::Unknown, Self::Person, Self::Timer, Self::Queue, Self::Pause];

    /// It is people who let it wait, so a workflow's `timeout` does not count the time.
    pub const fn is_for_people(self) -> bool {
        matches!(self, Self::Unknown | Self::Person | Self::Pause)
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Person => "person",
            Self::Timer => "timer",
            Self::Queue => "queue",
            Self::Pause => "pause",
        }
    }
}

/// What can happen to an execution's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionChange {
    /// It begins.
    Start,
    /// Something holds it.
    Wait(WaitReason),
    /// Nothing holds it any more.
    Resume,
    /// It is over.
    End(ExecutionEnd),
}

impl ExecutionState {
    /// The state after a change.
    pub fn next(self, change: ExecutionChange) -> Result<Self, IllegalTransition> {
        use ExecutionChange as Change;
        match (self, change) {
            (Self::Pending, Change::Start) | (Self::Waiting(_), Change::Resume) => Ok(Self::Running),
            // What waits for its turn has not begun; it begins from there.
            (Self::Waiting(WaitReason::Queue | WaitReason::Pause), Change::Start) => Ok(Self::Running),
            (Self::Running, Change::Wait(reason)) => Ok(Self::Waiting(reason)),
            (Self::Pending, Change::Wait(reason @ (WaitReason::Queue | WaitReason::Pause))) => Ok(Self::Waiting(reason)),
            // One hold gives way to another.
            (Self::Waiting(held), Change::Wait(reason)) if held != reason => Ok(Self::Waiting(reason)),
            (Self::Pending | Self::Running | Self::Waiting(_), Change::End(end)) => Ok(Self::Ended(end)),
            _ => Err(IllegalTransition { machine: "execution", from: self.as_str(), by: change.as_str(), stale: false }),
        }
    }

    /// Over?
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Ended(_))
    }

    /// The word for it in API, CLI and database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting(_) => "waiting",
            Self::Ended(ExecutionEnd::Succeeded) => "succeeded",
            Self::Ended(ExecutionEnd::Failed) => "failed",
            Self::Ended(ExecutionEnd::Cancelled) => "cancelled",
        }
    }
}

impl ExecutionChange {
    /// A name for messages and the matrix.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Wait(_) => "wait",
            Self::Resume => "resume",
            Self::End(ExecutionEnd::Succeeded) => "end succeeded",
            Self::End(ExecutionEnd::Failed) => "end failed",
            Self::End(ExecutionEnd::Cancelled) => "end cancelled",
        }
    }
}

impl fmt::Display for ExecutionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
