//! Agents: what is declared of them, and how they are.

use super::super::time::At;
use super::objects::{Origin, object};
use super::words;
use crd_schemas::Kind;
use crd_schemas::manifest::AgentSpec;
use pulse_protocol::message::Vitals;
use pulse_protocol::{AttemptId, ExecutionId};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

object!(
    /// An agent that was ever enrolled, or is declared.
    AgentView as "Agent", Kind::Agent, AgentSpec, ObservedAgent
);

/// What is known of an agent.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "AgentStatus")]
pub(in crate::api) struct ObservedAgent {
    /// Where its manifest came from; not there where it has none.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(in crate::api) origin: Option<Origin>,
    /// How it is.
    #[serde(flatten)]
    pub(in crate::api) observed: EnrolledStatus,
}

/// How an agent is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::api) enum EnrolledStatus {
    /// It was enrolled.
    Enrolled(Box<Enrolled>),
    /// It is declared only.
    NotEnrolled {
        /// Always `not_enrolled`.
        state: NotEnrolled,
    },
}

/// A manifest declares it, and no agent of the name ever came.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum NotEnrolled {
    /// The word for it.
    NotEnrolled,
}

/// How an enrolled agent is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Enrolled {
    /// The word for it.
    #[schemars(with = "words::AgentState")]
    pub(in crate::api) state: &'static str,
    /// Why it is quarantined.
    pub(in crate::api) reason: Option<String>,
    /// Since when it starts nothing new, and why; null where it does.
    pub(in crate::api) cordon: Option<CordonView>,
    /// Labels; those that it gives itself begin with `self/`.
    pub(in crate::api) labels: BTreeMap<String, String>,
    /// Declared variables.
    pub(in crate::api) vars: BTreeMap<String, String>,
    /// What it says of its host.
    pub(in crate::api) facts: BTreeMap<String, String>,
    /// Its release.
    pub(in crate::api) release: String,
    /// How many commands it runs at a time.
    pub(in crate::api) slots: u32,
    /// Slots that are taken.
    pub(in crate::api) slots_taken: u32,
    /// Attempts on it that are not over.
    pub(in crate::api) attempts: Vec<AgentAttempt>,
    /// How its host is doing.
    pub(in crate::api) vitals: Vitals,
    /// Its last word.
    pub(in crate::api) last_seen: At,
    /// When it enrolled.
    pub(in crate::api) enrolled_at: At,
}

/// An agent starts nothing new.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Cordon")]
pub(in crate::api) struct CordonView {
    /// The pause that says so.
    pub(in crate::api) pause: String,
    /// Why.
    pub(in crate::api) reason: String,
    /// Who said so.
    pub(in crate::api) by: String,
    /// Since when.
    pub(in crate::api) since: At,
    /// Nothing is left that the agent might still be running.
    pub(in crate::api) drained: bool,
}

/// An attempt that is not over.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct AgentAttempt {
    /// Its id.
    pub(in crate::api) attempt: AttemptId,
    /// The execution it belongs to.
    pub(in crate::api) execution: ExecutionId,
}
