//! Sources, and the webhooks that told of them.

use super::super::time::At;
use super::{SyncView, words};
use crate::webhook::Delivery;
use schemars::JsonSchema;
use serde::Serialize;

/// Where definitions come from, and how that stands.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Source")]
pub(in crate::api) struct SourceView {
    /// Its name.
    pub(in crate::api) name: String,
    /// A folder or Git.
    #[schemars(with = "words::SourceKind")]
    pub(in crate::api) kind: &'static str,
    /// Where it is, without secrets.
    pub(in crate::api) url: String,
    /// The branch.
    pub(in crate::api) branch: Option<String>,
    /// The folder within it.
    pub(in crate::api) path: Option<String>,
    /// The commit that is live.
    pub(in crate::api) observed_commit: Option<String>,
    /// How often what is live was changed.
    pub(in crate::api) generation: i64,
    /// `Ready`, `Reconciling` and `Stalled`.
    pub(in crate::api) conditions: Vec<ConditionView>,
    /// The last sync that is recorded.
    pub(in crate::api) last_sync: Option<SyncView>,
    /// When the last look ended.
    pub(in crate::api) last_look: Option<At>,
    /// When the next one comes without a hint; `null` while one is under way.
    pub(in crate::api) next_look: Option<At>,
    /// Looks in a row that failed.
    pub(in crate::api) failures: u32,
    /// Where webhooks go.
    pub(in crate::api) webhook: WebhookAddress,
    /// The last one that was let in for this source, or refused.
    pub(in crate::api) last_webhook: Option<LastWebhook>,
    /// The last one that was let in for this source.
    pub(in crate::api) last_accepted_webhook: Option<LastWebhook>,
    /// The last refused one for each reason; `null` while they cannot be read.
    pub(in crate::api) refused_webhooks: Option<Vec<LastWebhook>>,
}

/// Where webhooks go.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct WebhookAddress {
    /// A secret is set, so that webhooks are let in.
    pub(in crate::api) enabled: bool,
    /// The path.
    pub(in crate::api) path: &'static str,
    /// The whole address.
    pub(in crate::api) url: String,
}

/// A condition, in the words that Kubernetes' tools know.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Condition")]
pub(in crate::api) struct ConditionView {
    /// What is said.
    #[serde(rename = "type")]
    #[schemars(with = "words::ConditionType")]
    pub(in crate::api) kind: &'static str,
    /// Whether it is so.
    #[schemars(with = "words::Truth")]
    pub(in crate::api) status: &'static str,
    /// Why, as a word.
    pub(in crate::api) reason: &'static str,
    /// Why, as a sentence.
    pub(in crate::api) message: String,
    /// Since when.
    pub(in crate::api) last_transition_time: Option<At>,
}

/// A webhook that came.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Webhook")]
pub(in crate::api) struct LastWebhook {
    /// When.
    pub(in crate::api) received_at: At,
    /// It was let in.
    pub(in crate::api) accepted: bool,
    /// Why not, as a word.
    pub(in crate::api) reason: String,
    /// Why not, as a sentence.
    pub(in crate::api) message: Option<&'static str>,
    /// What to do.
    pub(in crate::api) help: Option<&'static str>,
    /// What it said of itself.
    #[serde(flatten)]
    pub(in crate::api) delivery: Delivery,
}

/// A webhook that was let in.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct AcceptedWebhook {
    /// Always true.
    pub(in crate::api) accepted: bool,
    /// Its kind, such as `push`.
    pub(in crate::api) event: Option<String>,
    /// Its id.
    pub(in crate::api) delivery: Option<String>,
    /// The sources that are looked at now.
    pub(in crate::api) sources: Vec<String>,
}
