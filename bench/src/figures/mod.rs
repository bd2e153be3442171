//! Figures: how they are made of rounds, what they should be, how they are shown.

mod goal;
mod json;
mod report;
mod stats;
mod table;

pub use goal::Goal;
pub use report::{Kind, Report};
pub use stats::{Rounds, Times, milliseconds};

use goal::Verdict;
use serde::Serialize;

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    /// The scenario that it belongs to.
    scenario: String,
    /// Whose figure it is.
    kind: Kind,
    /// What it is.
    name: String,
    /// The median over all rounds.
    value: f64,
    /// Of what.
    unit: &'static str,
    /// What it should be.
    goal: Option<Goal>,
    /// What is to be said of it, where it has a goal.
    verdict: Option<Verdict>,
    /// The load (1 minute) when its scenario began.
    load: f64,
    /// Each round's.
    rounds: Vec<f64>,
}
