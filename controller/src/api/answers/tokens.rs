//! Enrolment tokens.

use super::super::time::At;
use pulse_protocol::AgentName;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A token that was just made; its value is never told again.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "CreatedToken")]
pub(in crate::api) struct MadeToken {
    /// Its id.
    pub(in crate::api) id: Uuid,
    /// Its value.
    pub(in crate::api) token: String,
    /// How many agents it lets in.
    pub(in crate::api) uses: u32,
    /// Until when.
    pub(in crate::api) expires_at: At,
    /// Labels that it gives its agents.
    pub(in crate::api) labels: BTreeMap<String, String>,
    /// The names that it lets in; any where empty.
    pub(in crate::api) names: Vec<AgentName>,
    /// The address that agents come to.
    pub(in crate::api) server: String,
}

/// What is left of a token.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "EnrolmentToken")]
pub(in crate::api) struct TokenView {
    /// Its id.
    pub(in crate::api) id: Uuid,
    /// How many agents it still lets in.
    pub(in crate::api) uses_left: u32,
    /// Until when.
    pub(in crate::api) expires_at: At,
    /// Labels that it gives its agents.
    pub(in crate::api) labels: BTreeMap<String, String>,
    /// The names that it lets in; any where empty.
    pub(in crate::api) names: Vec<AgentName>,
    /// Its use ends what the name stood for until then.
    pub(in crate::api) replaces: bool,
    /// Who made it.
    pub(in crate::api) created_by: String,
    /// When.
    pub(in crate::api) created_at: At,
}
