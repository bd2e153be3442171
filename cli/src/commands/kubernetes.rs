//! `pulse kubernetes …`: what the Helm chart runs beside a controller. The controller itself knows nothing of clusters.

mod cluster;
mod enrolment;
mod role;
mod sidecar;
mod standing;

use crate::args::Common;
use crate::exit::Exit;
use crate::failure::Failure;

/// What the Helm chart runs beside a controller: its probe, and what tells the cluster of it
#[derive(Debug, clap::Args)]
pub struct Kubernetes {
    #[command(subcommand)]
    command: KubernetesCommand,
}

#[derive(Debug, clap::Subcommand)]
enum KubernetesCommand {
    Ready(standing::Ready),
    Sidecar(sidecar::Sidecar),
}

impl Kubernetes {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        match &self.command {
            KubernetesCommand::Ready(ready) => ready.run(common),
            KubernetesCommand::Sidecar(sidecar) => sidecar.run(common),
        }
    }
}
