//! `pulse logs EXECUTION`: what its commands wrote.

use crate::args::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{Follow, Selection, StreamName};

/// Show what the commands of an execution wrote
#[derive(Debug, clap::Args)]
pub struct Logs {
    /// Id or workflow#number
    execution: String,
    /// Go on until the execution ends
    #[arg(short, long)]
    follow: bool,
    /// Only of this step
    #[arg(long)]
    step: Option<String>,
    /// Only of this agent
    #[arg(long)]
    agent: Option<String>,
    /// Only this stream
    #[arg(long, value_enum)]
    stream: Option<StreamName>,
    /// Show terminal control sequences as they are
    #[arg(long)]
    raw: bool,
}

impl Logs {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        common.only_text()?;
        let client = common.client()?;
        let selection = Selection { step: self.step.clone(), agent: self.agent.clone(), stream: self.stream, attempt: None };
        let mut follow = Follow::new(&client, &self.execution, selection, self.raw);
        if self.follow { follow.until_ended() } else { follow.once() }
    }
}
