//! What became of slots: the closed set of outcomes and reasons, their words for the database and their sentences for people.

use crate::time::Timestamp;
use pulse_protocol::ExecutionId;

/// One record of slots that are settled: one slot, or a run of slots that follow each other and of which the same became.
/// What fired is never in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The slot; of a run, the first one.
    pub slot: Timestamp,
    /// The last slot of the run; the slot itself if it is one only.
    pub last: Timestamp,
    /// How many slots, at least 1.
    pub slots: u64,
    /// What became of them.
    pub outcome: Outcome,
    /// Why, in a sentence for people; empty for a slot that fired.
    pub message: String,
}

/// What became of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It started this execution.
    Fired(ExecutionId),
    /// Its time came, and something forbade it.
    Skipped(Skipped),
    /// Its time passed without it.
    Missed(Missed),
}

/// Why a slot was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skipped {
    /// `concurrencyPolicy: Forbid`, and an execution of this schedule is open.
    StillRunning,
    /// `concurrencyPolicy: Replace`, and the open execution was not over within the deadline.
    NotReplacedInTime,
    /// The workflow's own `concurrency` forbids it: another execution of it is open.
    WorkflowRunning,
    /// No agent is selected, or a name that no agent ever had.
    NoTargets,
    /// The workflow does not take these parameters.
    BadParams,
    /// There is no such workflow.
    UnknownWorkflow,
    /// What an older release accepted cannot run on this one.
    NotRunnable,
    /// A pause holds the schedule, or held it when the slot came due.
    Paused,
}

/// Why a slot was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Missed {
    /// It was past its deadline, and `catchUp: none`.
    TooLate,
    /// A newer slot came before it could fire.
    Superseded,
    /// `catchUp: all`, and more slots waited than `catchUpLimit`.
    OverLimit,
}

impl Skipped {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::StillRunning,
        Self::NotReplacedInTime,
        Self::WorkflowRunning,
        Self::NoTargets,
        Self::BadParams,
        Self::UnknownWorkflow,
        Self::NotRunnable,
        Self::Paused,
    ];
    /// The word in `slots.reason`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::StillRunning => "still_running",
            Self::NotReplacedInTime => "not_replaced_in_time",
            Self::WorkflowRunning => "workflow_running",
            Self::NoTargets => "no_targets",
            Self::BadParams => "bad_params",
            Self::UnknownWorkflow => "unknown_workflow",
            Self::NotRunnable => "not_runnable",
            Self::Paused => "paused",
        }
    }
}

impl Missed {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::TooLate, Self::Superseded, Self::OverLimit];
    /// The word in `slots.reason`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TooLate => "too_late",
            Self::Superseded => "superseded",
            Self::OverLimit => "over_limit",
        }
    }
}

impl Outcome {
    /// The word in `slots.outcome`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Fired(_) => "fired",
            Self::Skipped(_) => "skipped",
            Self::Missed(_) => "missed",
        }
    }
    /// The word in `slots.reason`.
    pub const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Fired(_) => None,
            Self::Skipped(why) => Some(why.word()),
            Self::Missed(why) => Some(why.word()),
        }
    }
    /// The execution in `slots.execution`.
    pub const fn execution(&self) -> Option<ExecutionId> {
        match self {
            Self::Fired(execution) => Some(*execution),
            Self::Skipped(_) | Self::Missed(_) => None,
        }
    }
    /// What the columns of a row say; `Err` names what does not fit.
    pub fn read(outcome: &str, reason: Option<&str>, execution: Option<ExecutionId>) -> Result<Self, String> {
        let wrong = || format!("an outcome `{outcome}` with the reason {reason:?}");
        let read = match (outcome, reason, execution) {
            ("fired", None, Some(execution)) => Some(Self::Fired(execution)),
            ("skipped", Some(word), None) => Skipped::ALL.into_iter().find(|why| why.word() == word).map(Self::Skipped),
            ("missed", Some(word), None) => Missed::ALL.into_iter().find(|why| why.word() == word).map(Self::Missed),
            _ => None,
        };
        read.ok_or_else(wrong)
    }
}

impl Settled {
    /// One slot.
    pub(super) fn one(slot: Timestamp, outcome: Outcome, message: String) -> Self {
        Self { slot, last: slot, slots: 1, outcome, message }
    }
}
