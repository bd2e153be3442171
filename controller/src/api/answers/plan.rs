//! What is wrong with manifests that are not live yet, and what they would change.

use crd_schemas::Problem;
use pulse_core::plan::Plan;
use schemars::JsonSchema;
use serde::Serialize;

/// What is wrong with a set of files.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct Validation {
    /// No problem is an error.
    pub(in crate::api) valid: bool,
    /// How many manifests there are.
    pub(in crate::api) manifests: usize,
    /// Every problem.
    #[schemars(with = "Vec<Problem>")]
    pub(in crate::api) problems: Vec<Problem>,
}

/// What a commit would change.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PlannedChanges")]
pub(in crate::api) struct PlanView {
    /// The source.
    pub(in crate::api) source: String,
    /// The commit; `null` for files of the request.
    pub(in crate::api) commit: Option<String>,
    /// The changes.
    pub(in crate::api) plan: Plan,
    /// The same for people.
    pub(in crate::api) text: String,
    /// Nothing would change.
    pub(in crate::api) empty: bool,
    /// What a person confirms.
    pub(in crate::api) plan_digest: String,
    /// A person must confirm it.
    pub(in crate::api) needs_confirmation: bool,
    /// The commit that is live.
    pub(in crate::api) live_commit: Option<String>,
    /// Warnings.
    pub(in crate::api) problems: Vec<Problem>,
}
