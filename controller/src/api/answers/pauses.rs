//! Pauses.

use super::super::time::At;
use super::words;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// A pause.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Pause")]
pub(in crate::api) struct PauseView {
    /// Its id.
    pub(in crate::api) id: Uuid,
    /// `active`, `expired` (its time is over) or `ended` (a person ended it).
    #[schemars(with = "words::PauseStatus")]
    pub(in crate::api) status: &'static str,
    /// What it holds.
    pub(in crate::api) scope: String,
    /// Why.
    pub(in crate::api) reason: String,
    /// Who set it.
    pub(in crate::api) created_by: String,
    /// When.
    pub(in crate::api) created_at: At,
    /// When it ends by itself.
    pub(in crate::api) expires_at: Option<At>,
    /// When a person ended it.
    pub(in crate::api) ended_at: Option<At>,
    /// Who did.
    pub(in crate::api) ended_by: Option<String>,
    /// What it holds right now; `null` once it is over.
    pub(in crate::api) holds: Option<Holds>,
}

/// How many live objects a pause holds.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[schemars(rename = "HeldObjects")]
pub(in crate::api) struct Holds {
    /// Workflows.
    pub(in crate::api) workflows: usize,
    /// Schedules.
    pub(in crate::api) schedules: usize,
    /// Agents that are not revoked.
    pub(in crate::api) agents: usize,
}
