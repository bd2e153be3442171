//! What a schedule waits for, in a form for programs and a sentence for people.

use crate::time::Timestamp;
use std::fmt;

/// What a schedule waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// Nothing: something is decided, or no slot ever comes.
    Nothing,
    /// To be taken up again.
    Suspended,
    /// The next slot, and when it fires.
    Slot {
        /// The nominal instant.
        slot: Timestamp,
        /// Its jitter added.
        at: Timestamp,
    },
    /// The next slot, which a pause will hold.
    Paused {
        /// The nominal instant.
        slot: Timestamp,
        /// What the slot's record will say.
        why: String,
    },
    /// The end of executions that it replaces.
    Replacing {
        /// The slot that fires then.
        slot: Timestamp,
        /// Their names.
        executions: String,
        /// Later than this the slot is skipped.
        until: Timestamp,
    },
    /// Its turn to catch up.
    CatchUp {
        /// The slot that fires then.
        slot: Timestamp,
        /// When.
        until: Timestamp,
    },
    /// The end of its own executions, before it catches up further.
    Running {
        /// The slot that fires then.
        slot: Timestamp,
        /// Their names.
        executions: String,
    },
    /// The clock was set back: everything up to there is settled already.
    ClockBehind {
        /// The watermark.
        until: Timestamp,
    },
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Suspended => f.write_str("it is suspended"),
            Self::Slot { slot, at } if slot == at => write!(f, "the next slot, {slot}"),
            Self::Slot { slot, at } => write!(f, "the next slot, {slot}, which fires at {at}"),
            Self::Paused { slot, why } => write!(f, "the next slot, {slot}, which is skipped: {why}"),
            Self::Replacing { slot, executions, until } => {
                write!(f, "the end of {executions}, which the slot {slot} replaces; it is skipped after {until}")
            }
            Self::CatchUp { slot, until } => write!(f, "its turn to catch up the slot {slot}, at {until}"),
            Self::Running { slot, executions } => write!(f, "the end of {executions}, before it catches up the slot {slot}"),
            Self::ClockBehind { until } => {
                write!(f, "the clock, which was set back: every slot up to {until} is settled already")
            }
        }
    }
}
