//! Syncs: what came of each look at a source.

use super::super::time::At;
use super::{LastWebhook, Row, words};
use crd_schemas::Problem;
use pulse_core::plan::Change;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// A finished look at a source.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Sync")]
pub(in crate::api) struct SyncView {
    /// Its id.
    pub(in crate::api) id: Uuid,
    /// The source.
    pub(in crate::api) source: String,
    /// The commit that was looked at.
    pub(in crate::api) commit: Option<String>,
    /// Who made the commit.
    pub(in crate::api) author: Option<String>,
    /// The first line of its message.
    pub(in crate::api) title: Option<String>,
    /// What came of it.
    #[schemars(with = "words::SyncOutcome")]
    pub(in crate::api) outcome: &'static str,
    /// Why, as a word.
    pub(in crate::api) reason: Option<String>,
    /// The generation that is live after it.
    pub(in crate::api) generation: Option<i64>,
    /// Why, as a sentence.
    pub(in crate::api) message: Option<String>,
    /// What is wrong with the manifests; in a list at most 20.
    #[schemars(with = "Vec<Problem>")]
    pub(in crate::api) problems: Value,
    /// How many problems are kept of it.
    pub(in crate::api) problem_count: usize,
    /// How many objects changed how; empty where nothing was planned.
    #[schemars(with = "SyncCounts")]
    pub(in crate::api) counts: Value,
    /// What a person confirms.
    #[schemars(with = "Option<String>")]
    pub(in crate::api) plan_digest: Option<Value>,
    /// Who released it.
    #[schemars(with = "Option<String>")]
    pub(in crate::api) confirmed_by: Option<Value>,
    /// The held sync that it released.
    #[schemars(with = "Option<Uuid>")]
    pub(in crate::api) confirms: Option<Value>,
    /// When the look began that does not come back.
    pub(in crate::api) hangs_since: Option<At>,
    /// What changed, what must be looked at most first; in a list at most 20.
    #[schemars(with = "Vec<SyncChange>")]
    pub(in crate::api) changes: Value,
    /// When the look began.
    pub(in crate::api) started_at: At,
    /// When it ended.
    pub(in crate::api) finished_at: At,
    /// How long it took.
    pub(in crate::api) duration_ms: i64,
}

/// How many objects changed how.
#[derive(Debug, Clone, JsonSchema)]
#[expect(dead_code, reason = "only its schema is needed: the store keeps it as JSON")]
pub(in crate::api) struct SyncCounts {
    /// New ones.
    #[schemars(skip_serializing_if = "Option::is_none")]
    create: Option<usize>,
    /// Changed ones.
    #[schemars(skip_serializing_if = "Option::is_none")]
    update: Option<usize>,
    /// Retired ones.
    #[schemars(skip_serializing_if = "Option::is_none")]
    retire: Option<usize>,
    /// Those that stay.
    #[schemars(skip_serializing_if = "Option::is_none")]
    unchanged: Option<usize>,
}

/// A change of a sync.
#[derive(Debug, Clone, JsonSchema)]
#[expect(dead_code, reason = "only its schema is needed: the store keeps it as JSON")]
struct SyncChange {
    /// The change.
    #[schemars(flatten)]
    change: Change,
    /// What happens to the object.
    action: Action,
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, JsonSchema)]
#[schemars(rename_all = "lowercase", rename = "ChangeAction")]
#[expect(dead_code, reason = "only its schema is needed: the store keeps it as JSON")]
enum Action {
    /// It is new, or comes back.
    Create,
    /// Its manifest changes.
    Update,
    /// Its manifest is gone.
    Retire,
}

/// A page of syncs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct SyncPage {
    /// What the page holds, the newest first.
    pub(in crate::api) items: Vec<Row<SyncView, UnreadableSync>>,
    /// Where the next page begins; `null` at the end.
    pub(in crate::api) next_cursor: Option<String>,
    /// The last webhook of all.
    pub(in crate::api) last_webhook: Option<LastWebhook>,
}

/// A sync that was asked for.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct SyncNow {
    /// The sync.
    #[serde(flatten)]
    pub(in crate::api) sync: SyncView,
    /// The last webhook about its source.
    pub(in crate::api) last_webhook: Option<LastWebhook>,
}

/// A sync that cannot be read.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct UnreadableSync {
    /// Its id, as far as it is known.
    id: Option<String>,
    /// Always `unreadable`.
    #[schemars(with = "words::Unreadable")]
    outcome: &'static str,
    /// What is wrong.
    message: String,
}

impl From<pulse_store::RowError> for UnreadableSync {
    fn from(error: pulse_store::RowError) -> Self {
        Self { message: error.to_string(), id: error.key, outcome: "unreadable" }
    }
}
