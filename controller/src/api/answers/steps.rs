//! The steps of an execution, their targets and attempts.

use super::super::time::At;
use super::words;
use crd_schemas::Duration;
use pulse_core::transition::{ResolvedAs, StepStatus};
use pulse_core::values::StateMap;
use pulse_protocol::observation::OutputTotals;
use pulse_protocol::{AgentName, AttemptId, PromptId};
use schemars::JsonSchema;
use serde::Serialize;

/// A visit of a step, or a step whose turn has not come: of that only what is known already.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ExecutionStep")]
pub(in crate::api) struct StepView {
    /// Its id in the workflow.
    pub(in crate::api) id: String,
    /// Its type.
    #[serde(rename = "type")]
    #[schemars(with = "words::StepType")]
    pub(in crate::api) kind: &'static str,
    /// Which visit of it, from 1.
    pub(in crate::api) visit: u32,
    /// Where it stands.
    pub(in crate::api) status: StepStatus,
    /// What there is to say once it has begun.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(in crate::api) begun: Option<BegunStep>,
    /// Its targets.
    pub(in crate::api) targets: Vec<TargetView>,
    /// What it has to say of its type.
    #[serde(flatten)]
    pub(in crate::api) extras: StepExtras,
}

/// What there is to say of a step that has begun.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct BegunStep {
    /// The recorded result of `when`.
    pub(in crate::api) condition: Option<bool>,
    /// Why it ended as it did.
    pub(in crate::api) message: Option<String>,
    /// When it began.
    pub(in crate::api) started_at: At,
    /// When it ended.
    pub(in crate::api) ended_at: Option<At>,
}

/// What some steps have beside the others.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub(in crate::api) struct StepExtras {
    /// It was taken over from the execution that this one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) carried: Option<bool>,
    /// The question of a `prompt` step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) prompt: Option<StepPrompt>,
    /// The end of a `wait` step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) until: Option<At>,
    /// What a `parse` step has read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) parsed: Option<StateMap>,
    /// What a `route` step has chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) route: Option<RouteView>,
    /// The answer to its question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) answer: Option<String>,
}

/// The question of a `prompt` step.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct StepPrompt {
    /// Its id.
    pub(in crate::api) id: PromptId,
    /// What is asked.
    pub(in crate::api) message: String,
    /// What can be answered.
    pub(in crate::api) options: Vec<String>,
    /// How long an answer is waited for.
    pub(in crate::api) timeout: Option<Duration>,
    /// When it was asked.
    pub(in crate::api) opened_at: At,
    /// The answer.
    pub(in crate::api) answer: Option<String>,
    /// Who answered.
    pub(in crate::api) answered_by: Option<String>,
    /// What they said of it.
    pub(in crate::api) comment: Option<String>,
    /// When it was closed.
    pub(in crate::api) closed_at: Option<At>,
}

/// What a `route` step has chosen.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "TakenRoute")]
pub(in crate::api) struct RouteView {
    /// The route's place, from 0; `null` where none held.
    pub(in crate::api) place: Option<u32>,
    /// Its label.
    pub(in crate::api) label: Option<String>,
    /// The step that follows, or `end`; `null` for the next one.
    pub(in crate::api) goto: Option<String>,
}

/// A target of a step.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "StepTarget")]
pub(in crate::api) struct TargetView {
    /// The agent.
    pub(in crate::api) agent: AgentName,
    /// Where it stands.
    #[schemars(with = "words::TargetStatus")]
    pub(in crate::api) status: &'static str,
    /// What there is to say once its step has begun.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(in crate::api) begun: Option<BegunTarget>,
    /// Attempts that were made, the first one first.
    pub(in crate::api) attempts: Vec<AttemptView>,
}

/// What there is to say of a target whose step has begun.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct BegunTarget {
    /// Why it failed, is left out or is tried again.
    pub(in crate::api) reason: Option<String>,
    /// When the next try comes, or how long its host may be away.
    pub(in crate::api) next_try_at: Option<At>,
}

/// One attempt to run a command.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Attempt")]
pub(in crate::api) struct AttemptView {
    /// Its id.
    pub(in crate::api) id: AttemptId,
    /// Which try of the target, from 1.
    #[serde(rename = "try")]
    pub(in crate::api) number: u32,
    /// Where it stands.
    #[schemars(with = "words::AttemptStatus")]
    pub(in crate::api) state: &'static str,
    /// The agent's slot that it takes.
    pub(in crate::api) slot: u32,
    /// When it was bound to its agent.
    pub(in crate::api) assigned_at: At,
    /// When its command began.
    pub(in crate::api) started_at: Option<At>,
    /// When it ended.
    pub(in crate::api) ended_at: Option<At>,
    /// What its state has to say.
    #[serde(flatten)]
    pub(in crate::api) detail: AttemptDetail,
    /// What the agent said of its end.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(in crate::api) end: Option<AttemptEnd>,
}

/// What the state of an attempt has to say.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct AttemptDetail {
    /// The process id on the agent, while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) pid: Option<i64>,
    /// Its exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) exit_code: Option<i64>,
    /// The signal that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) signal: Option<i64>,
    /// Why it never started, or why nobody knows how it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) reason: Option<String>,
    /// What a person said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) resolved_as: Option<ResolvedAs>,
}

/// What an agent said of an attempt's end.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct AttemptEnd {
    /// How long the command ran.
    pub(in crate::api) duration_ms: u64,
    /// What it wrote to stdout.
    pub(in crate::api) stdout: OutputTotals,
    /// What it wrote to stderr.
    pub(in crate::api) stderr: OutputTotals,
    /// It left processes behind.
    pub(in crate::api) left_behind: bool,
}
