//! The three state machines: execution, step, attempt. Each is one pure function `next(state, change)`, used by the fold, by
//! the intake of reports and by the simulator. `tests/golden/transitions.txt` shows the whole matrix.

mod attempt;
mod execution;
mod step;

pub use attempt::{AttemptChange, AttemptState, ResolvedAs, TrackLoss};
pub use execution::{ExecutionChange, ExecutionEnd, ExecutionState, WaitReason};
pub use step::{StepChange, StepStatus};

/// A change that the state does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{machine} cannot go from {from} by {by}")]
pub struct IllegalTransition {
    /// Which machine.
    pub machine: &'static str,
    /// The state's name.
    pub from: &'static str,
    /// The change's name.
    pub by: &'static str,
    /// True: an old report that says what is long known or overtaken; it is acknowledged and changes nothing.
    pub stale: bool,
}
