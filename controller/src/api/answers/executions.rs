//! Executions: a line of a list, a whole one, its events, and what holds it.

use super::super::time::{At, Readable};
use super::{StepView, words};
use pulse_core::decide::Reason;
use pulse_core::execution::{CancelMode, Event, TriggerKind};
use pulse_core::transition::WaitReason;
use pulse_core::values::StateMap;
use pulse_protocol::ExecutionId;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::json;
use std::collections::BTreeMap;

/// A line of a list of executions.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct ExecutionSummary {
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
    pub(in crate::api) status: &'static str,
    /// The commit that it is pinned to; for a plain folder a digest of its content.
    pub(in crate::api) commit: String,
    /// The workflow's labels, as they were at the start.
    pub(in crate::api) labels: BTreeMap<String, String>,
    /// What it waits for.
    pub(in crate::api) waits: Option<SummaryWaits>,
    /// The execution that it repeats.
    pub(in crate::api) retry_of: Option<ExecutionId>,
    /// Who started it: a person, or `schedule/<name>`.
    pub(in crate::api) started_by: String,
    /// The schedule that started it.
    pub(in crate::api) schedule: Option<String>,
    /// When it was accepted.
    pub(in crate::api) created_at: At,
    /// When it began.
    pub(in crate::api) started_at: Option<At>,
    /// When it ended.
    pub(in crate::api) ended_at: Option<At>,
    /// When the controller looks at it again by itself.
    pub(in crate::api) wake_at: Option<At>,
    /// What there is to say of it in a line.
    pub(in crate::api) message: Option<String>,
    /// Sequence of its last event.
    pub(in crate::api) seq: u32,
}

/// What an execution in a list waits for.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(in crate::api) struct SummaryWaits {
    /// For what.
    #[serde(rename = "for")]
    pub(in crate::api) reason: WaitReason,
}

/// What an execution waits for.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(in crate::api) struct Waits {
    /// For what.
    #[serde(rename = "for")]
    pub(in crate::api) reason: WaitReason,
    /// Since when.
    pub(in crate::api) since: At,
}

/// A whole execution.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Execution")]
pub(in crate::api) struct ExecutionView {
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
    pub(in crate::api) status: &'static str,
    /// The commit that it is pinned to; for a plain folder a digest of its content.
    pub(in crate::api) commit: String,
    /// The workflow's labels, as they were at the start.
    pub(in crate::api) labels: BTreeMap<String, String>,
    /// Its parameters, defaults filled in.
    pub(in crate::api) params: BTreeMap<String, String>,
    /// The selector that narrowed its targets.
    pub(in crate::api) limit: Option<String>,
    /// The value of the workflow's `concurrency.key`.
    pub(in crate::api) concurrency_key: Option<String>,
    /// The execution that it repeats.
    pub(in crate::api) retry_of: Option<ExecutionId>,
    /// What it waits for.
    pub(in crate::api) waits: Option<Waits>,
    /// What `parse` steps have read.
    pub(in crate::api) state: StateMap,
    /// Who started it: a person, or `schedule/<name>`.
    pub(in crate::api) started_by: String,
    /// The schedule that started it.
    pub(in crate::api) schedule: Option<String>,
    /// What started it.
    pub(in crate::api) trigger: TriggerView,
    /// When it was accepted.
    pub(in crate::api) created_at: At,
    /// When it began.
    pub(in crate::api) started_at: Option<At>,
    /// When it ended.
    pub(in crate::api) ended_at: Option<At>,
    /// What there is to say of it in a line.
    pub(in crate::api) message: Option<String>,
    /// Sequence of its last event.
    pub(in crate::api) seq: u32,
    /// The request to end it early.
    pub(in crate::api) cancel: Option<CancelView>,
    /// Its steps, those to come as `pending`.
    pub(in crate::api) steps: Vec<StepView>,
    /// What holds it.
    pub(in crate::api) reasons: Vec<ReasonView>,
}

/// What started an execution.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "ExecutionTrigger")]
pub(in crate::api) struct TriggerView {
    /// A person or a schedule.
    pub(in crate::api) kind: TriggerKind,
    /// Who: a person, or `schedule/<name>`.
    pub(in crate::api) by: String,
    /// The nominal time of the schedule's slot.
    pub(in crate::api) slot: Option<At>,
    /// Why, in the person's words; of a command that they ran by itself.
    pub(in crate::api) reason: Option<String>,
}

/// A request to end an execution early.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "CancelRequest")]
pub(in crate::api) struct CancelView {
    /// How.
    pub(in crate::api) mode: CancelMode,
    /// Who asked.
    pub(in crate::api) by: String,
    /// Why.
    pub(in crate::api) reason: String,
    /// When.
    pub(in crate::api) at: At,
}

/// An event of an execution, as it was recorded.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct ExecutionEvent {
    /// From 1, without gaps.
    pub(in crate::api) seq: u32,
    /// When it was recorded.
    pub(in crate::api) at: At,
    /// What happened.
    #[serde(flatten)]
    #[schemars(with = "Event")]
    pub(in crate::api) event: Readable,
}

/// What holds an execution: the fields of its code, and the sentence.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename = "ExecutionReason")]
pub(in crate::api) struct ReasonView {
    /// What the sentence is made of.
    #[schemars(flatten)]
    pub(in crate::api) reason: Reason,
    /// The sentence.
    pub(in crate::api) message: String,
}

impl ReasonView {
    /// With its sentence.
    pub(in crate::api) fn of(reason: &Reason) -> Self {
        Self { reason: reason.clone(), message: reason.to_string() }
    }
}

impl Serialize for ReasonView {
    /// The sentence stands for a `message` among the fields: that of a question is part of it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut value = Readable::of(&self.reason).into_value();
        value["message"] = json!(self.message);
        value.serialize(serializer)
    }
}
