//! Whether a controller lives and can serve.

use super::super::time::At;
use super::words;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The process answers.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(in crate::api) struct Liveness {
    /// Always `ok`.
    #[schemars(with = "words::HealthStatus")]
    pub(in crate::api) status: &'static str,
}

/// Whether it can take requests.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct Readiness {
    /// Well, or not.
    #[schemars(with = "words::HealthStatus")]
    pub(in crate::api) status: &'static str,
    /// What it is among the controllers of its database; only while it is not the active one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<words::Role>")]
    pub(in crate::api) role: Option<&'static str>,
    /// Why it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) reason: Option<String>,
}

/// How a controller is, with what it stands on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct Health {
    /// Well, or not.
    #[schemars(with = "words::HealthStatus")]
    pub(in crate::api) status: &'static str,
    /// Its release.
    pub(in crate::api) release: &'static str,
    /// What it is among the controllers of its database.
    #[schemars(with = "words::Role")]
    pub(in crate::api) role: &'static str,
    /// Why it is not the active one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) reason: Option<String>,
    /// It is about to end.
    pub(in crate::api) stopping: bool,
    /// The database.
    pub(in crate::api) database: DatabaseHealth,
    /// The controller that is the active one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) holder: Option<LeaseHolder>,
}

/// Whether the database answers.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(in crate::api) struct DatabaseHealth {
    /// Well, or not.
    #[schemars(with = "words::HealthStatus")]
    pub(in crate::api) status: &'static str,
}

/// The controller that has the leases of the database.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct LeaseHolder {
    /// Its host and port.
    pub(in crate::api) name: String,
    /// When they expire unless it renews them.
    pub(in crate::api) leases_expire_at: At,
}

/// How a controller is, with everything it stands on. Open to anybody, so that it has words, numbers and times, and no addresses.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct DetailedHealth {
    /// As `/health` says it; `degraded` where it serves, and something it stands on is not well.
    #[serde(flatten)]
    pub(in crate::api) health: Health,
    /// Only of the active controller.
    #[serde(flatten)]
    pub(in crate::api) details: Option<HealthDetails>,
}

/// What the active controller stands on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct HealthDetails {
    /// Each source.
    pub(in crate::api) sources: Vec<SourceHealth>,
    /// How many agents are in each state.
    pub(in crate::api) agents: BTreeMap<&'static str, u64>,
    /// What is worked on now, or is to be.
    pub(in crate::api) queues: QueueHealth,
    /// Whether webhooks are let in.
    pub(in crate::api) webhooks: bool,
}

/// How a source is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct SourceHealth {
    /// Its name.
    pub(in crate::api) name: String,
    /// `ok` where its head is live.
    #[schemars(with = "words::HealthStatus")]
    pub(in crate::api) status: &'static str,
    /// What the last look said, in a word.
    pub(in crate::api) reason: &'static str,
    /// When the last look ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) last_look: Option<At>,
    /// When the last look ended after which its head was live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) last_success: Option<At>,
    /// Looks in a row that failed.
    pub(in crate::api) failures: u32,
}

/// What waits, or is worked on.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(in crate::api) struct QueueHealth {
    /// Executions.
    pub(in crate::api) executions: usize,
    /// Schedules.
    pub(in crate::api) schedules: usize,
    /// Writes.
    pub(in crate::api) writes: usize,
}
