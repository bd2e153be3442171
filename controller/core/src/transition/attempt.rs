//! `assigned → accepted → started → exited | signalled | timed_out | cancelled | not_started | unknown`, and out of `unknown`
//! once: by evidence or by a person.

use super::IllegalTransition;
use pulse_protocol::observation::{EndKind, UnknownReason};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// State of an attempt; each variant owns what is true in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum AttemptState {
    /// Committed and bound to an agent's journal; perhaps sent.
    Assigned,
    /// In the agent's journal; the command may start at any moment.
    Accepted,
    /// The command runs.
    Started { pid: i64 },
    /// The command exited.
    Exited { code: i64 },
    /// A foreign signal ended it.
    Signalled { signal: i64 },
    /// Its time was over; its process group is confirmed empty.
    TimedOut,
    /// It was ended on request; its process group is confirmed empty.
    Cancelled,
    /// Proven never to have started.
    NotStarted { reason: String },
    /// Open: nobody knows.
    Unknown(TrackLoss),
    /// A person settled an `unknown`.
    Resolved(ResolvedAs),
}

/// Why an attempt is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrackLoss {
    /// The shim died without an exit record.
    SupervisorLost,
    /// The host rebooted while the command may have been running.
    HostRebooted,
    /// The process group could not be confirmed empty.
    StopUnconfirmed,
    /// The agent's journal is another one, or does not know the attempt any more.
    JournalLost,
    /// The agent is away and the time is long over.
    TimeoutUnconfirmed,
    /// The agent is away and never said whether it ended the command.
    CancelUnconfirmed,
    /// The agent was revoked.
    AgentRevoked,
    /// The agent said that the command runs, and later that it never started.
    Contradicted,
}

/// What a person says of an `unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedAs {
    /// Take it as done.
    Succeeded,
    /// Take it as failed.
    Failed,
}

/// What can happen to an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum AttemptChange {
    /// The agent has it.
    Accept,
    /// The command runs.
    Start { pid: i64 },
    /// The agent says how it ended.
    End(EndKind),
    /// The controller stops waiting for word.
    Lose(TrackLoss),
    /// A person settles it.
    Resolve(ResolvedAs),
}

impl AttemptState {
    /// The state after a change.
    pub fn next(&self, change: &AttemptChange) -> Result<Self, IllegalTransition> {
        use AttemptChange as Change;
        match (self, change) {
            (Self::Assigned, Change::Accept) => Ok(Self::Accepted),
            (Self::Assigned | Self::Accepted, Change::Start { pid }) => Ok(Self::Started { pid: *pid }),
            // A started command cannot turn out never to have started: that report is a fault, not news.
            (Self::Started { .. }, Change::End(EndKind::NotStarted { .. })) => Err(self.refuse(change, false)),
            (Self::Assigned | Self::Accepted | Self::Started { .. }, Change::End(end)) => Ok(Self::ended(end)),
            (Self::Assigned | Self::Accepted | Self::Started { .. }, Change::Lose(loss)) => Ok(Self::Unknown(*loss)),
            (Self::Unknown(_), Change::End(EndKind::Unknown { .. })) => Err(self.refuse(change, true)),
            // A journal that has lost its word on an attempt, or contradicts itself, can prove nothing about it any more.
            (Self::Unknown(TrackLoss::JournalLost | TrackLoss::Contradicted), Change::End(EndKind::NotStarted { .. })) => {
                Err(self.refuse(change, true))
            }
            (Self::Unknown(_), Change::End(end)) => Ok(Self::ended(end)),
            (Self::Unknown(_), Change::Resolve(outcome)) => Ok(Self::Resolved(*outcome)),
            (_, Change::Accept | Change::Start { .. } | Change::End(_)) => Err(self.refuse(change, true)),
            (_, Change::Lose(_) | Change::Resolve(_)) => Err(self.refuse(change, false)),
        }
    }

    fn ended(end: &EndKind) -> Self {
        match end {
            EndKind::Exited { code } => Self::Exited { code: *code },
            EndKind::Signalled { signal } => Self::Signalled { signal: *signal },
            EndKind::TimedOut => Self::TimedOut,
            EndKind::Cancelled => Self::Cancelled,
            EndKind::NotStarted { reason } => Self::NotStarted { reason: reason.clone() },
            EndKind::Unknown { reason } => Self::Unknown(TrackLoss::from(*reason)),
        }
    }

    fn refuse(&self, change: &AttemptChange, stale: bool) -> IllegalTransition {
        IllegalTransition { machine: "attempt", from: self.as_str(), by: change.as_str(), stale }
    }

    /// The command may be running, or may yet start.
    pub const fn is_active(&self) -> bool {
        matches!(self, Self::Assigned | Self::Accepted | Self::Started { .. })
    }

    /// Open: agent evidence or a person can still end it.
    pub const fn is_open(&self) -> bool {
        self.is_active() || matches!(self, Self::Unknown(_))
    }

    /// The word for it in API and CLI.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Accepted => "accepted",
            Self::Started { .. } => "started",
            Self::Exited { .. } => "exited",
            Self::Signalled { .. } => "signalled",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::NotStarted { .. } => "not_started",
            Self::Unknown(_) => "unknown",
            Self::Resolved(ResolvedAs::Succeeded) => "resolved_succeeded",
            Self::Resolved(ResolvedAs::Failed) => "resolved_failed",
        }
    }
}

impl AttemptChange {
    /// A name for messages and the matrix.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Start { .. } => "start",
            Self::End(EndKind::Exited { .. }) => "end exited",
            Self::End(EndKind::Signalled { .. }) => "end signalled",
            Self::End(EndKind::TimedOut) => "end timed_out",
            Self::End(EndKind::Cancelled) => "end cancelled",
            Self::End(EndKind::NotStarted { .. }) => "end not_started",
            Self::End(EndKind::Unknown { .. }) => "end unknown",
            Self::Lose(_) => "lose",
            Self::Resolve(_) => "resolve",
        }
    }
}

impl From<UnknownReason> for TrackLoss {
    fn from(reason: UnknownReason) -> Self {
        match reason {
            UnknownReason::SupervisorLost => Self::SupervisorLost,
            UnknownReason::HostRebooted => Self::HostRebooted,
            UnknownReason::StopUnconfirmed => Self::StopUnconfirmed,
            UnknownReason::JournalLost => Self::JournalLost,
        }
    }
}

impl fmt::Display for TrackLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SupervisorLost => "the agent's supervisor of the command died without an exit record",
            Self::HostRebooted => "the host rebooted while the command may have been running",
            Self::StopUnconfirmed => "the process group could not be confirmed empty after it was told to stop",
            Self::JournalLost => "the agent's journal no longer knows the attempt",
            Self::TimeoutUnconfirmed => "the agent is away and the command's time is over",
            Self::CancelUnconfirmed => "the agent is away and never confirmed that it ended the command",
            Self::Contradicted => "the agent said that the command runs, and later that it never started",
            Self::AgentRevoked => "the agent was revoked while the command may have been running",
        })
    }
}

impl fmt::Display for AttemptState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
