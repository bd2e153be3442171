//! `pulse resolve EXECUTION ATTEMPT succeeded|failed --reason …`.

use super::{did_change, execution_path};
use crate::args::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use clap::ValueEnum;
use serde_json::json;

/// Settle an unknown attempt: say what became of a command of which PULSE cannot know
#[derive(Debug, clap::Args)]
pub struct Resolve {
    /// Id or workflow#number
    execution: String,
    /// The attempt's id, as `pulse why` shows it
    attempt: String,
    /// What became of it
    outcome: Outcome,
    /// How you know, for everyone who reads the history
    #[arg(long)]
    reason: String,
}

/// What a person can say of an attempt.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Outcome {
    /// The command did its work
    Succeeded,
    /// The command did not do its work
    Failed,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

impl Resolve {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        common.only_text()?;
        let outcome = self.outcome.as_str();
        let body = json!({ "attempt": self.attempt, "outcome": outcome, "reason": self.reason });
        let answer = common.client()?.post(&format!("{}/resolve", execution_path(&self.execution)), &body, &[])?;
        if !did_change(&answer) {
            output::message(&format!("nothing changed: attempt {} was settled before", self.attempt));
            return Ok(Exit::Success);
        }
        output::message(&format!("attempt {} of {} is settled as {outcome}", self.attempt, self.execution));
        Ok(Exit::Success)
    }
}
