//! What the API answers, as types: the document is made of them, so that it cannot say anything else than the code.

mod agents;
mod audit;
mod executions;
mod health;
mod identity;
mod live;
mod objects;
mod output;
mod pauses;
mod plan;
mod prompts;
mod schedules;
mod settings;
mod sources;
mod start;
mod steps;
mod syncs;
mod tokens;
pub(super) mod words;

pub(super) use agents::{AgentAttempt, AgentView, CordonView, Enrolled, EnrolledStatus, NotEnrolled, ObservedAgent};
pub(super) use audit::{AuditVerdict, AuditView, UnreadableAuditRow};
pub(super) use executions::{
    CancelView, ExecutionEvent, ExecutionSummary, ExecutionView, ReasonView, SummaryWaits, TriggerView, Waits,
};
pub(super) use health::{
    DatabaseHealth, DetailedHealth, Health, HealthDetails, LeaseHolder, Liveness, QueueHealth, Readiness, SourceHealth,
};
pub(super) use identity::{ApiTokenView, MadeApiToken, PrincipalView, ProviderView, SessionView, UserView};
pub(super) use live::{LiveMessage, PauseNews};
pub(super) use objects::{
    AgentGroupStatus, AgentGroupView, ObjectMetadata, Origin, ReadyCondition, WorkflowStatus, WorkflowView,
};
pub(super) use output::{OutputItem, OutputPage};
pub(super) use pauses::{Holds, PauseView};
pub(super) use plan::{PlanView, Validation};
pub(super) use prompts::{Answered, Evidence, EvidenceGroup, PromptDetail, PromptView, StreamEnd};
pub(super) use schedules::{
    ExecutionRef, FiredSlot, HoldingPause, LastFired, ScheduleStatus, ScheduleView, SlotView, UnreadableSlot, UpcomingSlot,
};
pub(super) use settings::{SettingView, SettingsView};
pub(super) use sources::{AcceptedWebhook, ConditionView, LastWebhook, SourceView, WebhookAddress};
pub(super) use start::{Settled, StartedView};
pub(super) use steps::{
    AttemptDetail, AttemptEnd, AttemptView, BegunStep, BegunTarget, RouteView, StepExtras, StepPrompt, StepView, TargetView,
};
pub(super) use syncs::{SyncNow, SyncPage, SyncView};
pub(super) use tokens::{MadeToken, TokenView};

use schemars::JsonSchema;
use serde::Serialize;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{T}Page")]
pub(super) struct Page<T> {
    /// What the page holds.
    pub(super) items: Vec<T>,
    /// Where the next page begins, for `?cursor=`; `null` at the end.
    pub(super) next_cursor: Option<String>,
}

/// An item of a list. One that cannot be read hides none of the others, nor does it look as if it did not exist.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "{T}Row")]
pub(super) enum Row<T, U = Unreadable> {
    /// As it is.
    Read(T),
    /// What is stored of it cannot be read.
    Unreadable(U),
}

/// What is stored of an object cannot be read by this release.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Unreadable {
    /// Its id, as far as it is known.
    id: Option<String>,
    /// Always `unreadable`.
    #[schemars(with = "words::Unreadable")]
    status: &'static str,
    /// What is wrong.
    message: String,
}

impl From<pulse_store::RowError> for Unreadable {
    fn from(error: pulse_store::RowError) -> Self {
        Self { message: error.to_string(), id: error.key, status: "unreadable" }
    }
}
