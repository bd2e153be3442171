//! Live objects: a manifest, and what is known of it.

use super::super::time::At;
use super::words;
use crd_schemas::Kind;
use crd_schemas::manifest::{AgentGroupSpec, Metadata, WorkflowSpec};
use pulse_protocol::AgentName;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// A manifest with a `status`; one type for each kind, so that the document names them.
macro_rules! object {
    ($(#[$doc:meta])* $name:ident as $shown:literal, $kind:expr, $spec:ty, $status:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        #[schemars(rename = $shown)]
        pub(in crate::api) struct $name {
            /// The version of the manifest.
            #[schemars(with = "super::words::ApiVersion")]
            api_version: &'static str,
            /// The kind of object.
            kind: crd_schemas::Kind,
            /// Name, labels and annotations.
            metadata: super::ObjectMetadata,
            /// What its manifest says.
            spec: $spec,
            /// What is known of it.
            pub(in crate::api) status: $status,
        }

        impl $name {
            /// A manifest, with what is known of it.
            pub(in crate::api) fn new(metadata: crd_schemas::manifest::Metadata, spec: $spec, status: $status) -> Self {
                let api_version = crd_schemas::manifest::API_VERSION;
                Self { api_version, kind: $kind, metadata: metadata.into(), spec, status }
            }
        }
    };
}
pub(super) use object;

object!(
    /// A live workflow.
    WorkflowView as "Workflow", Kind::Workflow, WorkflowSpec, WorkflowStatus
);
object!(
    /// A live group of agents.
    AgentGroupView as "AgentGroup", Kind::AgentGroup, AgentGroupSpec, AgentGroupStatus
);

/// Name, labels and annotations.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct ObjectMetadata {
    /// Its name, unique among its kind within a source.
    name: String,
    /// Labels, to select by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    /// Free text for tools and people.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

impl From<Metadata> for ObjectMetadata {
    fn from(Metadata { name, labels, annotations }: Metadata) -> Self {
        Self { name, labels, annotations }
    }
}

/// Where a definition came from.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Origin {
    /// The source.
    pub(in crate::api) source: String,
    /// The file, within its repository.
    pub(in crate::api) path: String,
    /// The commit that is live of its source.
    pub(in crate::api) observed_commit: Option<String>,
    /// The commit that last changed it.
    pub(in crate::api) changed_commit: String,
    /// SHA-256 of the manifest.
    pub(in crate::api) digest: String,
    /// How often it was changed.
    pub(in crate::api) generation: i64,
    /// When it was last changed.
    pub(in crate::api) updated_at: At,
}

/// What is known of a workflow.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct WorkflowStatus {
    /// Where it came from.
    #[serde(flatten)]
    pub(in crate::api) origin: Origin,
    /// `Ready` is `False` where an older release accepted what this one cannot run.
    pub(in crate::api) conditions: [ReadyCondition; 1],
}

/// Whether this release can run it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct ReadyCondition {
    /// `Ready`.
    #[serde(rename = "type")]
    #[schemars(with = "words::ConditionType")]
    kind: &'static str,
    /// `True` or `False`.
    #[schemars(with = "words::Truth")]
    status: &'static str,
    /// `Compiled` or `Uncompilable`.
    reason: &'static str,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl ReadyCondition {
    /// Ready where there is no fault.
    pub(in crate::api) fn of(fault: Option<String>) -> Self {
        let (status, reason) = if fault.is_none() { ("True", "Compiled") } else { ("False", "Uncompilable") };
        Self { kind: "Ready", status, reason, message: fault }
    }
}

/// What is known of a group.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct AgentGroupStatus {
    /// Where it came from.
    #[serde(flatten)]
    pub(in crate::api) origin: Origin,
    /// Who belongs to it now.
    pub(in crate::api) members: Vec<AgentName>,
    /// Why nobody can be said to; only there where that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) message: Option<Option<String>>,
}
