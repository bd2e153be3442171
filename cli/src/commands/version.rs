//! `pulse version`: this program's release and the server's, where it answers.

use crate::args::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Show the release of this program and of the server
#[derive(Debug, clap::Args)]
pub struct Version {
    /// Do not ask the server
    #[arg(long)]
    client: bool,
}

impl Version {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        common.only_text()?;
        output::print(&format!("pulse {}", env!("CARGO_PKG_VERSION")))?;
        if !self.client {
            let client = common.client()?;
            let release = client.server_release()?;
            output::print(&format!("pulse-controller {release} at {}", client.base()))?;
        }
        Ok(Exit::Success)
    }
}
