//! `pulse cancel EXECUTION --reason …`.

use super::{did_change, execution_path};
use crate::args::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::views::text;
use serde_json::json;

/// Cancel an execution: nothing new starts, and what runs may end (or is ended, with --kill)
#[derive(Debug, clap::Args)]
pub struct Cancel {
    /// Id or workflow#number
    execution: String,
    /// End running commands: TERM, the step's killGrace, KILL
    #[arg(long)]
    kill: bool,
    /// Why, for everyone who reads the history
    #[arg(long)]
    reason: String,
}

impl Cancel {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        common.only_text()?;
        let mode = if self.kill { "kill" } else { "drain" };
        let body = json!({ "reason": self.reason, "mode": mode });
        let answer = common.client()?.post(&format!("{}/cancel", execution_path(&self.execution)), &body, &[])?;
        if !did_change(&answer) {
            output::message(&format!("nothing changed: {} is {}", self.execution, text(&answer, "/status")));
            return Ok(Exit::Success);
        }
        let what = if self.kill { "running commands are being ended" } else { "running commands may end" };
        output::message(&format!("cancel of {} accepted: nothing new starts, {what}", self.execution));
        Ok(Exit::Success)
    }
}
