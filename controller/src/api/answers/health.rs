//! Whether a controller lives and can serve.

use super::super::time::At;
use super::words;
use schemars::JsonSchema;
use serde::Serialize;

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
