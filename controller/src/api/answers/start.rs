//! What comes of starting, retrying and settling.

use super::words;
use pulse_protocol::ExecutionId;
use schemars::JsonSchema;
use serde::Serialize;

/// An execution that was started.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "StartedExecution")]
pub(in crate::api) struct StartedView {
    /// Its id.
    pub(in crate::api) id: ExecutionId,
    /// Its number within the workflow.
    pub(in crate::api) number: i64,
    /// `workflow#number`.
    pub(in crate::api) name: String,
    /// Its workflow.
    pub(in crate::api) workflow: String,
    /// The source of the workflow.
    pub(in crate::api) source: String,
    /// Where it stands.
    #[schemars(with = "words::ExecutionStatus")]
    pub(in crate::api) status: String,
    /// The commit that it is pinned to.
    pub(in crate::api) commit: String,
    /// The execution that it repeats; only of a retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) retry_of: Option<ExecutionId>,
    /// Parameters that the workflow has no more; only of a retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) dropped_params: Option<Vec<String>>,
}

/// What a request did to an execution.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "SettledExecution")]
pub(in crate::api) struct Settled {
    /// The execution.
    pub(in crate::api) id: ExecutionId,
    /// False where it was so already.
    pub(in crate::api) changed: bool,
    /// Where it stands now.
    #[schemars(with = "Option<words::ExecutionStatus>")]
    pub(in crate::api) status: Option<&'static str>,
}
