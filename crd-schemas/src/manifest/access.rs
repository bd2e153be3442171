//! `kind: AccessPolicy`: who may do what beyond, or in spite of, what roles allow; and `who` of a prompt.

use super::Metadata;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The form of a subject, as the schemas say it.
pub(crate) const SUBJECT: &str =
    r"^(everyone|role:(admin|operator|viewer|auditor)|(user|group|token):\S([^\x00-\x1f]{0,188}\S)?)$";

/// Who may do what. A policy that denies beats every one that allows, and every role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessPolicy {
    /// The policy's name and labels.
    pub metadata: Metadata,
    /// What it says.
    pub spec: AccessPolicySpec,
}

/// What a policy says: these subjects may, or may not, do this with these objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct AccessPolicySpec {
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4000))]
    pub description: Option<String>,
    /// Whether they may or may not.
    #[serde(default)]
    pub effect: Effect,
    /// Whom it concerns: `user:…`, `group:…`, `role:…`, `token:…`, or `everyone`.
    #[schemars(length(min = 1, max = 1000), inner(regex(pattern = SUBJECT)), extend("uniqueItems" = true))]
    pub subjects: Vec<String>,
    /// What they may, or may not, do.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub verbs: Vec<Verb>,
    /// With which workflows: names, or labels such as `team=infra`; with everything unless said. Only beside the verbs `view`, `run`, `answer`,
    /// `cancel`, `resolve` and `pause`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), inner(regex(pattern = r"\S")), extend("uniqueItems" = true))]
    pub workflows: Vec<String>,
    /// Which prompts, by the id of their step; all unless said. Only beside the verbs `answer` and `view`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), inner(regex(pattern = "^[a-z][a-z0-9_-]{0,62}$")), extend("uniqueItems" = true))]
    pub steps: Vec<String>,
    /// On which agents: names, or labels such as `role=web`. Only beside the verbs `command` and `pause`, and not beside `workflows`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), inner(regex(pattern = r"\S")), extend("uniqueItems" = true))]
    pub agents: Vec<String>,
}

/// What a policy does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// They may.
    #[default]
    Allow,
    /// They may not, whatever else allows it.
    Deny,
}

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// See it: definitions, executions, output, prompts.
    View,
    /// Start it, and start it again.
    Run,
    /// Answer its prompts.
    Answer,
    /// Cancel its executions.
    Cancel,
    /// Say how an attempt of which nothing is known has ended.
    Resolve,
    /// Hold it and let it go on, cordon and drain agents.
    Pause,
    /// Run a command that stands in no workflow.
    Command,
    /// Enrol and revoke agents, confirm syncs, make tokens.
    Administer,
    /// Read who did what.
    Audit,
}

impl Verb {
    /// Every verb, in the order in which people read them.
    pub const ALL: [Self; 9] = [
        Self::View,
        Self::Run,
        Self::Answer,
        Self::Cancel,
        Self::Resolve,
        Self::Pause,
        Self::Command,
        Self::Administer,
        Self::Audit,
    ];

    /// The verb as manifests write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Run => "run",
            Self::Answer => "answer",
            Self::Cancel => "cancel",
            Self::Resolve => "resolve",
            Self::Pause => "pause",
            Self::Command => "command",
            Self::Administer => "administer",
            Self::Audit => "audit",
        }
    }
}

impl Effect {
    /// The word as manifests write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}
