//! `pulse audit`: who changed what, and whether the log of it still holds.

mod export;
mod list;
mod verify;

use crate::args::Common;
use crate::exit::Exit;
use crate::failure::Failure;

/// Read the audit log, verify it, take it along
#[derive(Debug, clap::Args)]
pub struct Audit {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, clap::Subcommand)]
enum AuditCommand {
    List(list::List),
    Verify(verify::Verify),
    Export(export::Export),
}

impl Audit {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        match &self.command {
            AuditCommand::List(list) => list.run(common),
            AuditCommand::Verify(verify) => verify.run(common),
            AuditCommand::Export(export) => export.run(common),
        }
    }
}
