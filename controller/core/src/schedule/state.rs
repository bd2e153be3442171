//! What a decision about a schedule knows.

use crate::pause::Pause;
use crate::time::Timestamp;
use pulse_protocol::ExecutionId;

/// The row of a schedule. Every slot up to and including the watermark is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleState {
    /// Up to here everything is settled.
    pub watermark: Timestamp,
    /// Digest of the timing that the watermark counts for.
    pub timing: String,
    /// It rested when the row was written. Set it when a schedule is retired, so that what passes until it comes back is not caught up.
    pub suspended: bool,
}

/// What a decision sees beside the schedule and its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// Executions that this schedule started and that are not over.
    pub open: Vec<OpenExecution>,
    /// Since when the controller serves without trouble: began to serve, or had its database back, or saw its clock stepped.
    pub steady_since: Timestamp,
    /// When this schedule last fired; the real time, not the slot's.
    pub last_fire: Option<Timestamp>,
    /// Pauses, of whatever: those that hold, and those that ended by themselves while nobody looked.
    pub pauses: Vec<Pause>,
}

/// An execution that a schedule started and that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenExecution {
    /// Its id.
    pub id: ExecutionId,
    /// Its name, `nightly#12`.
    pub name: String,
    /// This schedule has asked for its end, to replace it.
    pub replacing: bool,
}
