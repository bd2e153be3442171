//! `pulse why EXECUTION`: what holds it, in the controller's own words.

use super::execution_path;
use crate::args::Common;
use crate::client::view;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::views::Execution;
use jiff::Timestamp;

/// Say why an execution stands where it stands
#[derive(Debug, clap::Args)]
pub struct Why {
    /// Id or workflow#number
    execution: String,
}

impl Why {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(&[Format::Table, Format::Json, Format::Yaml])?;
        let client = common.client()?;
        let path = execution_path(&self.execution);
        match format {
            Format::Json => output::print(&output::json(&client.get(&format!("{path}/why"))?))?,
            Format::Yaml => output::print(&output::yaml(&client.get(&format!("{path}/why"))?)?)?,
            _ => output::print(&text(&view(client.get(&path)?)?, Timestamp::now()))?,
        }
        Ok(Exit::Success)
    }
}

/// One line for the execution, one for each reason, one for each thing that a person can do.
pub fn text(execution: &Execution, now: Timestamp) -> String {
    let visible = output::escape::visible;
    let mut lines = vec![match &execution.message {
        Some(message) => format!("{} is {}: {}", execution.name, execution.status, visible(message)),
        None => format!("{} is {}", execution.name, execution.status),
    }];
    for reason in &execution.reasons {
        lines.push(format!("  {}", visible(&reason.said(now))));
    }
    for mend in execution.mend() {
        lines.push(format!("  {}", visible(&mend)));
    }
    lines.join("\n")
}
