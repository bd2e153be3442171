//! Schedules: when they fire, and what becomes of each slot. A slot is a schedule and a nominal instant.
//!
//! ```text
//! cron, every ─▶ Timing (slots) ─▶ decide(schedule, state, world, now) ─▶ Decision { state, settled, fire, replace, wake_at }
//! ```
//!
//! A decision is written in one transaction: the row of the schedule (compare-and-set), the rows of the slots that are settled, and
//! the execution of the slot that fires. Then it is asked for again, until it adds nothing.

mod calendar;
mod compiled;
mod decide;
mod due;
mod outcome;
mod pattern;
mod run;
mod state;
mod timing;
mod waiting;
pub(crate) mod zone;

pub use compiled::{CATCH_UP_PAUSE, CATCH_UP_SPREAD, CompiledSchedule, Upcoming};
pub use decide::{Decision, Fire, Refusal, decide};
pub use outcome::{Missed, Outcome, Settled, Skipped};
pub use pattern::PatternError;
pub use state::{OpenExecution, ScheduleState, World};
pub use timing::{Timing, TimingError};
pub use waiting::Waiting;
