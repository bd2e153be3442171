//! The label that the chart's Service selects: `active` on the pod of the controller that serves, `standby` on every other.

use super::cluster::Cluster;
use super::standing::Standing;
use crate::failure::Failure;
use serde_json::json;
use std::time::{Duration, Instant};

/// The label.
const LABEL: &str = "pulse.dev/role";
/// What somebody else changed is put right so often.
const AGAIN: Duration = Duration::from_secs(60);

/// Keeps the labels of the controllers' pods.
#[derive(Debug)]
pub struct Roles {
    me: String,
    others: Vec<String>,
    told: Option<(Standing, Instant)>,
}

impl Roles {
    /// Of this pod, among all of them.
    pub fn new(me: String, pods: &[String]) -> Self {
        let others = pods.iter().filter(|pod| **pod != me).cloned().collect();
        Self { me, others, told: None }
    }

    /// Tells the cluster what it has not been told. Whoever is active says so of the others, too: one whose machine is gone cannot.
    pub fn tell(&mut self, cluster: &Cluster, standing: Standing, now: Instant) -> Result<(), Failure> {
        if self.told.is_some_and(|(told, at)| told == standing && now.duration_since(at) < AGAIN) {
            return Ok(());
        }
        let active = standing == Standing::Active;
        label(cluster, &self.me, if active { "active" } else { "standby" })?;
        for other in self.others.iter().filter(|_| active) {
            label(cluster, other, "standby")?;
        }
        if self.told.is_none_or(|(told, _)| told != standing) {
            crate::output::message(&format!("{} is {}", self.me, if active { "active" } else { "not active" }));
        }
        self.told = Some((standing, now));
        Ok(())
    }
}

fn label(cluster: &Cluster, pod: &str, role: &str) -> Result<(), Failure> {
    let change = json!({ "metadata": { "labels": { LABEL: role } } });
    cluster.patch(&format!("pods/{pod}"), &change).map(drop)
}
