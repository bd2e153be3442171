//! Retention in the database: what there is of the past, and its removal in small transactions. What goes is decided in `pulse_core::retention`;
//! what must not go is asked once more in the transaction that removes it.
//!
//! ```text
//! survey ─▶ (rule) ─▶ remove: the execution's row goes, its id is noted in `removals` ─▶ sweep: events, attempts, prompts, output, piece by piece
//!                 └─▶ output: pieces go, then the execution says when
//! ```
//!
//! An execution is gone for everybody with its row, so that nobody reads half of it; a controller that dies meanwhile leaves the note, and the next
//! one goes on.

mod audit;
mod leftovers;
mod output;
mod remove;
mod survey;
mod sweep;

pub use output::OutputStep;
pub use survey::{Surveyed, WorkflowAt};
pub use sweep::Swept;

/// Most rows that one transaction removes.
const ROWS: i64 = 200;
/// Most pieces of output: each has up to 64 KiB.
const PIECES: i64 = 64;
/// Most executions of one step.
pub const STEP: usize = 50;

impl crate::Store {
    /// Whether executions wait to be written: whoever can wait lets them go first.
    pub fn is_busy(&self) -> bool {
        self.writer().is_busy()
    }
}
