//! The words that a field can be, for the document. The words themselves are the core's.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $($word:literal)|+;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub(in crate::api) struct $name;

            impl $name {
                const ALL: &[&str] = &[$($word),+];
            }

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    concat!(stringify!($name), "Word").into()
                }
                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "type": "string", "enum": Self::ALL })
                }
            }
        )+
    };
}

words! {
    /// A row that cannot be read.
    Unreadable: "unreadable";
    /// The layer that says a setting.
    SettingOrigin: "flag" | "environment" | "file" | "program" | "default";
    /// Where an execution stands.
    ExecutionStatus: "pending" | "running" | "waiting" | "succeeded" | "failed" | "cancelled";
    /// A type of step.
    StepType: "execute" | "prompt" | "wait" | "parse" | "route";
    /// Where a target of a step stands.
    TargetStatus: "pending" | "waiting" | "running" | "unknown" | "succeeded" | "failed" | "skipped" | "cancelled";
    /// Where an attempt stands.
    AttemptStatus: "assigned" | "accepted" | "started" | "exited" | "signalled" | "timed_out" | "cancelled" | "not_started" | "unknown" | "resolved_succeeded" | "resolved_failed";
    /// Where a question stands.
    PromptStatus: "open" | "answered" | "expired" | "withdrawn";
    /// How an enrolled agent is.
    AgentState: "online" | "stale" | "offline" | "quarantined" | "revoked";
    /// Where a pause stands.
    PauseStatus: "active" | "expired" | "ended";
    /// What came of a sync.
    SyncOutcome: "applied" | "unchanged" | "refused" | "held" | "unreachable";
    /// What became of a slot.
    SlotOutcome: "fired" | "skipped" | "missed";
    /// Why a slot did not fire.
    SlotReason: "still_running" | "not_replaced_in_time" | "workflow_running" | "no_targets" | "bad_params" | "unknown_workflow" | "not_runnable" | "paused" | "too_late" | "superseded" | "over_limit";
    /// What suspends a schedule.
    SuspendedBy: "manifest" | "controller" | "unreadable";
    /// Where a source is.
    SourceKind: "folder" | "git";
    /// What a condition says.
    ConditionType: "Ready" | "Reconciling" | "Stalled";
    /// Whether a condition holds.
    Truth: "True" | "False" | "Unknown";
    /// The only version of manifests.
    ApiVersion: "pulse.dev/v1";
    /// How somebody came in.
    Means: "admin_token" | "api_token" | "proxy" | "oidc";
    /// What came of what was asked for.
    AuditOutcome: "begun" | "done" | "unchanged" | "refused" | "failed" | "unknown";
    /// What is wrong with a row of the audit log.
    AuditFlaw: "changed" | "missing" | "reordered" | "truncated";
    /// What a token of the API is for.
    ApiTokenKind: "api" | "break_glass";
    /// Whether a token of the API counts.
    ApiTokenStatus: "active" | "expired" | "revoked";
    /// Well, not quite, or not.
    HealthStatus: "ok" | "degraded" | "unavailable";
    /// What a controller is among those of its database.
    Role: "connecting" | "standby" | "taking_over" | "active" | "cut_off" | "over";
}

/// `not_enrolled`, or how an enrolled agent is, where a message names either.
#[cfg(test)]
mod tests {
    use super::{AgentState, ExecutionStatus, PromptStatus, StepType};
    use pulse_core::transition::{ExecutionEnd, ExecutionState, WaitReason};

    #[test]
    fn the_document_has_the_words_of_the_core() {
        use pulse_core::fleet::AgentState as Agent;
        let executions = [
            ExecutionState::Pending,
            ExecutionState::Running,
            ExecutionState::Waiting(WaitReason::Person),
            ExecutionState::Ended(ExecutionEnd::Succeeded),
            ExecutionState::Ended(ExecutionEnd::Failed),
            ExecutionState::Ended(ExecutionEnd::Cancelled),
        ];
        assert_eq!(executions.map(ExecutionState::as_str), ExecutionStatus::ALL);
        let agents = [Agent::Online, Agent::Stale, Agent::Offline, Agent::Quarantined, Agent::Revoked];
        assert_eq!(agents.map(Agent::as_str), AgentState::ALL);
        assert_eq!(pulse_core::execution::PromptStatus::ALL.map(|status| status.as_str()), PromptStatus::ALL);
        assert_eq!(StepType::ALL.len(), 5);
    }
}
