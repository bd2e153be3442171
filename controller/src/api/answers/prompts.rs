//! Questions to people, and what they should know before they answer.

use super::super::time::At;
use super::words;
use crd_schemas::Duration;
use pulse_core::execution::StepPath;
use pulse_core::transition::StepStatus;
use pulse_protocol::{AgentName, ExecutionId, PromptId};
use schemars::JsonSchema;
use serde::Serialize;

/// A question.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PromptSummary")]
pub(in crate::api) struct PromptView {
    /// Its id.
    pub(in crate::api) id: PromptId,
    /// The execution that asks.
    pub(in crate::api) execution: ExecutionId,
    /// The execution as `workflow#number`.
    pub(in crate::api) name: String,
    /// Its workflow.
    pub(in crate::api) workflow: String,
    /// The source of the workflow.
    pub(in crate::api) source: String,
    /// The step that asks.
    pub(in crate::api) step: StepPath,
    /// Which visit of it.
    pub(in crate::api) visit: u32,
    /// What is asked.
    pub(in crate::api) message: String,
    /// What can be answered.
    pub(in crate::api) options: Vec<String>,
    /// Who may answer: `user:…`, `group:…`, `role:…`, `token:…` or `everyone`; whoever may answer this workflow's prompts where there is none.
    pub(in crate::api) who: Vec<String>,
    /// Whether you may.
    pub(in crate::api) may_answer: bool,
    /// When it was asked.
    pub(in crate::api) opened_at: At,
    /// How long an answer is waited for, while a controller runs.
    pub(in crate::api) timeout: Option<Duration>,
    /// Until when, as it stands now; `null` once it is closed.
    pub(in crate::api) deadline: Option<At>,
    /// Where it stands.
    #[schemars(with = "words::PromptStatus")]
    pub(in crate::api) status: &'static str,
    /// The answer.
    pub(in crate::api) answer: Option<String>,
    /// Who answered.
    pub(in crate::api) answered_by: Option<String>,
    /// What they said of it.
    pub(in crate::api) comment: Option<String>,
    /// When it was closed.
    pub(in crate::api) closed_at: Option<At>,
}

/// A question with what people should know before they answer.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct PromptDetail {
    /// The question.
    #[serde(flatten)]
    pub(in crate::api) prompt: PromptView,
    /// The agents that the execution selects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) targets: Option<Vec<AgentName>>,
    /// How the last command before it ended; `null` where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) evidence: Option<Option<Evidence>>,
}

/// How a command ended on its targets.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct Evidence {
    /// Its step.
    pub(in crate::api) step: StepPath,
    /// Which visit of it.
    pub(in crate::api) visit: u32,
    /// How the step ended.
    pub(in crate::api) status: StepStatus,
    /// Targets that ended alike, the largest group first.
    pub(in crate::api) groups: Vec<EvidenceGroup>,
}

/// Targets that ended alike.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct EvidenceGroup {
    /// They.
    pub(in crate::api) agents: Vec<AgentName>,
    /// How they ended.
    #[schemars(with = "words::TargetStatus")]
    pub(in crate::api) status: &'static str,
    /// The exit code, where the command exited.
    pub(in crate::api) exit_code: Option<i64>,
    /// What the first of them wrote to stdout; `null` where no command ran.
    pub(in crate::api) stdout: Option<StreamEnd>,
    /// And to stderr.
    pub(in crate::api) stderr: Option<StreamEnd>,
}

/// A stream's size, digest and end.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct StreamEnd {
    /// All bytes that the command wrote.
    pub(in crate::api) bytes: u64,
    /// SHA-256 of all of them, in hex; empty when unknown.
    pub(in crate::api) sha256: String,
    /// The last 4 KiB, of the first groups.
    pub(in crate::api) tail: String,
    /// False while the end is still on its way.
    pub(in crate::api) complete: bool,
}

/// What an answer did.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "AnsweredPrompt")]
pub(in crate::api) struct Answered {
    /// The question.
    pub(in crate::api) id: PromptId,
    /// The execution that asked.
    pub(in crate::api) execution: ExecutionId,
    /// The execution as `workflow#number`.
    pub(in crate::api) name: String,
    /// The answer.
    pub(in crate::api) answer: String,
    /// False where the same person gave the same answer before.
    pub(in crate::api) changed: bool,
    /// Where the execution stands now.
    #[schemars(with = "Option<words::ExecutionStatus>")]
    pub(in crate::api) status: Option<&'static str>,
}
