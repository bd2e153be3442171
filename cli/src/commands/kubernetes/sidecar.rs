//! Runs beside a controller in its pod, until it is told to end: looks at it each second, keeps the label by which the Service finds the
//! active one, and the Secret with the agents' enrolment token. What fails is told once and tried again.

use super::cluster::{ACCOUNT, Cluster};
use super::enrolment::Enrolment;
use super::role::Roles;
use super::standing::Standing;
use crate::args::Common;
use crate::commands::agents::pair;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Tell the cluster which controller is active, and keep the agents' enrolment token in a Secret
#[derive(Debug, clap::Args)]
pub struct Sidecar {
    /// This pod, whose label `pulse.dev/role` says whether its controller is the active one
    #[arg(long, value_name = "NAME", requires = "pods")]
    pod: Option<String>,
    /// Every controller's pod
    #[arg(long = "of", value_name = "NAME", id = "pods", requires = "pod")]
    pods: Vec<String>,
    /// A Secret whose key `token` shall hold an enrolment token
    #[arg(long, value_name = "NAME")]
    secret: Option<String>,
    /// Labels that agents get by that token
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,
    /// A text; when it changes, the token is made anew
    #[arg(long, value_name = "TEXT", default_value = "")]
    made_for: String,
    /// The cluster's API; that of this pod unless said
    #[arg(long, value_name = "URL", hide = true)]
    cluster: Option<String>,
    /// The folder of the pod's account
    #[arg(long, value_name = "FOLDER", hide = true, default_value = ACCOUNT)]
    account: PathBuf,
}

/// What it has to keep.
struct Duties {
    roles: Option<Roles>,
    enrolment: Option<Enrolment>,
}

impl Sidecar {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        common.only_text()?;
        // The first process of a container has no default action for a signal.
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            flag::register(signal, Arc::clone(&stop))
                .map_err(|error| Failure::new(format!("cannot listen to signals: {error}")))?;
        }
        let cluster = Cluster::find(self.cluster.as_deref(), &self.account)?;
        let mut duties = Duties {
            roles: self.pod.clone().map(|pod| Roles::new(pod, &self.pods)),
            enrolment: self.secret.as_deref().map(|secret| Enrolment::new(secret, &self.labels, &self.made_for)),
        };
        let mut told = String::new();
        while !stop.load(Ordering::SeqCst) {
            match duties.look(common, &cluster) {
                Ok(()) => told.clear(),
                Err(failure) if failure.to_string() == told => {}
                Err(failure) => {
                    told = failure.to_string();
                    output::message(&told);
                }
            }
            std::thread::sleep(PAUSE);
        }
        Ok(Exit::Success)
    }
}

impl Duties {
    /// One look. The label comes first: people wait for it.
    fn look(&mut self, common: &Common, cluster: &Cluster) -> Result<(), Failure> {
        let standing = common.prober()?.health().map_or(Standing::Neither, |health| Standing::of(&health));
        if let Some(roles) = &mut self.roles {
            roles.tell(cluster, standing, Instant::now())?;
        }
        match &mut self.enrolment {
            Some(enrolment) if standing == Standing::Active => enrolment.keep(cluster, &common.neighbour()?, Instant::now()),
            _ => Ok(()),
        }
    }
}
