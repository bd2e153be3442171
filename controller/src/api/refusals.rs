//! Errors of engine, store and sync as what a caller is told. What is wrong inside is logged here, once, and not told.

use super::Problem;
use super::time::rfc3339;
use crate::engine::{EngineError, RetryError, StartError};
use crate::sync::{ConfirmError, SyncError};
use axum::http::StatusCode;
use pulse_core::execution::{CannotRetry, Refusal};
use pulse_core::source_status::SourceReason;
use pulse_store::{RowError, WriteError};
use serde_json::json;

const CONFLICT: StatusCode = StatusCode::CONFLICT;
const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

/// The database does not answer; it may do so in a moment.
fn unavailable(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "a request failed on the database");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable", "the database does not answer; ask again in a moment")
}

/// Something is broken that no other request will mend.
fn broken(code: &'static str, error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "a request failed");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, code, error.to_string())
}

impl From<pulse_store::Error> for Problem {
    fn from(error: pulse_store::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&pulse_store::Error> for Problem {
    fn from(error: &pulse_store::Error) -> Self {
        match error {
            pulse_store::Error::Ambiguous { .. } => Self::new(CONFLICT, "ambiguous_name", error.to_string()),
            pulse_store::Error::Row(row) => row.clone().into(),
            pulse_store::Error::Value { .. } => Self::new(UNPROCESSABLE, "cannot_be_stored", error.to_string()),
            error => unavailable(error),
        }
    }
}

impl From<RowError> for Problem {
    fn from(error: RowError) -> Self {
        broken("unreadable_row", &error)
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        Self::from(&error)
    }
}

impl From<&EngineError> for Problem {
    fn from(error: &EngineError) -> Self {
        let busy = |code| Self::new(StatusCode::SERVICE_UNAVAILABLE, code, error.to_string());
        match error {
            EngineError::NoSuchExecution(_) => Self::not_found("no_such_execution", error.to_string()),
            EngineError::Stopping => busy("stopping"),
            EngineError::Contended => busy("contended"),
            EngineError::NotYet(_) => busy("not_yet_committed"),
            EngineError::Overloaded(_) => busy("overloaded"),
            EngineError::TooManyPauses => {
                let help = "end those that are not needed any more (`pulse get pauses`, `pulse resume PAUSE`), or hold several things \
                     by one label";
                Self::new(CONFLICT, "too_many_pauses", error.to_string()).with_help(help)
            }
            EngineError::Database(error) => error.into(),
            EngineError::Commit(WriteError::Invalid { .. }) => Self::new(UNPROCESSABLE, "cannot_be_stored", error.to_string()),
            EngineError::Commit(error) => unavailable(error),
            EngineError::History { .. } => broken("unreadable_history", &error),
        }
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        let said = error.to_string();
        match error {
            StartError::NoSuchWorkflow { of, .. } => {
                let each = if of.is_some() { ", each with its source" } else { "" };
                let help = format!("GET /api/v1/workflows (`pulse get workflows -o wide`) lists those that are live{each}");
                Self::new(UNPROCESSABLE, "no_such_workflow", said).with_help(help)
            }
            StartError::Ambiguous { sources, .. } => {
                let help = "say which is meant: `source` in the request, or `pulse run NAME --source SOURCE`";
                Self::new(CONFLICT, "ambiguous_name", said).with("sources", sources).with_help(help)
            }
            StartError::Params(errors) => {
                let place = |name: &str| format!("/params/{}", name.replace('~', "~0").replace('/', "~1"));
                let errors = errors
                    .into_iter()
                    .map(|error| json!({ "name": &error.name, "pointer": place(&error.name), "message": error.message }));
                Self::new(UNPROCESSABLE, "bad_params", said).with_errors(errors.collect())
            }
            StartError::Targets { step, error } => Self::new(UNPROCESSABLE, "bad_targets", said)
                .with_errors(vec![json!({ "name": step, "message": error.to_string() })]),
            StartError::Forbidden { running, name } => {
                Self::new(CONFLICT, "already_running", said).with("execution", running.to_string()).with("name", name)
            }
            StartError::QueueFull { .. } => Self::new(CONFLICT, "queue_full", said),
            StartError::Key(_) => Self::new(UNPROCESSABLE, "bad_concurrency_key", said),
            StartError::IdempotencyMismatch => Self::new(UNPROCESSABLE, "idempotency_mismatch", said),
            StartError::Uncompilable { .. } => Self::new(UNPROCESSABLE, "uncompilable_workflow", said),
            StartError::Engine(error) => error.into(),
        }
    }
}

impl From<RetryError> for Problem {
    fn from(error: RetryError) -> Self {
        let said = error.to_string();
        match error {
            RetryError::Cannot(CannotRetry::NotOver(_)) => Self::new(CONFLICT, "not_over", said),
            RetryError::Cannot(CannotRetry::Succeeded) => Self::new(CONFLICT, "nothing_failed", said),
            RetryError::Cannot(CannotRetry::TooLarge { .. }) => {
                let help = "`{\"from\": \"start\"}`, or `pulse retry --from-start`";
                Self::new(UNPROCESSABLE, "cannot_retry", said).with_help(help)
            }
            RetryError::Unknown(targets) => Self::new(CONFLICT, "unknown_targets", said).with("targets", json!(targets)),
            RetryError::Pinned(_) => {
                let help = "run it from the start as the workflow is now: `{\"from\": \"start\", \"commit\": \"head\"}`, or `pulse retry --from-start --head`";
                Self::new(UNPROCESSABLE, "cannot_retry", said).with_help(help)
            }
            RetryError::Start(error) => error.into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::Over { .. } => "execution_over",
            Refusal::NoSuchAttempt(_) => return Self::new(UNPROCESSABLE, "no_such_attempt", refusal.to_string()),
            Refusal::NotUnknown { .. } => "attempt_not_unknown",
            Refusal::NotYours { .. } | Refusal::Contradiction { .. } => "contradiction",
            Refusal::NoSuchPrompt(_) => return Self::not_found("no_such_prompt", refusal.to_string()),
            Refusal::NoSuchOption { .. } => return Self::new(UNPROCESSABLE, "no_such_option", refusal.to_string()),
            Refusal::Answered { ref by, ref answer, at } => {
                let problem = Self::new(CONFLICT, "already_answered", refusal.to_string());
                return problem.with("answeredBy", by.clone()).with("answer", answer.clone()).with("answeredAt", rfc3339(at));
            }
            Refusal::Expired { ref answer, at } => {
                let problem = Self::new(CONFLICT, "prompt_expired", refusal.to_string());
                return problem.with("answer", answer.clone()).with("expiredAt", rfc3339(at));
            }
            Refusal::Withdrawn(_) => "prompt_withdrawn",
        };
        Self::new(CONFLICT, code, refusal.to_string())
    }
}

impl From<SyncError> for Problem {
    fn from(error: SyncError) -> Self {
        let said = error.to_string();
        match error {
            SyncError::NoSource => Self::new(CONFLICT, "no_source", said).with_help("set PULSE_SOURCE_URL and start it again"),
            SyncError::NoSuchSource(_) => Self::not_found("no_such_source", said),
            SyncError::SeveralSources(_) => Self::new(UNPROCESSABLE, "source_not_named", said),
            SyncError::Source(error) => {
                let unreachable = Self::new(StatusCode::SERVICE_UNAVAILABLE, "source_unreachable", said);
                unreachable.with("reason", error.reason.as_str())
            }
            SyncError::Hangs { since } => {
                let hangs = Self::new(StatusCode::SERVICE_UNAVAILABLE, "source_unreachable", said);
                hangs.with("reason", SourceReason::TimedOut.as_str()).with("hangsSince", rfc3339(since))
            }
            SyncError::Overloaded(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", said),
            SyncError::Store(error) => error.as_ref().into(),
            SyncError::Engine(error) => error.as_ref().into(),
            SyncError::Stopping => Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", said),
            SyncError::Interrupted(_) => broken("sync_interrupted", &said),
        }
    }
}

impl From<ConfirmError> for Problem {
    fn from(error: ConfirmError) -> Self {
        let said = error.to_string();
        match error {
            ConfirmError::NoSuchSync(_) => Self::not_found("no_such_sync", said),
            ConfirmError::NotHeld { .. } => Self::new(CONFLICT, "not_held", said),
            ConfirmError::Another { .. } => Self::new(CONFLICT, "another_plan", said),
            ConfirmError::Moved(record) => Self::new(CONFLICT, "head_moved", said).with("sync", super::syncs::view(&record)),
            ConfirmError::Refused(record) => Self::new(CONFLICT, "head_refused", said).with("sync", super::syncs::view(&record)),
            ConfirmError::Unreachable(record) => {
                let unreachable = Self::new(StatusCode::SERVICE_UNAVAILABLE, "source_unreachable", said);
                unreachable.with("reason", record.reason.clone()).with("sync", super::syncs::view(&record))
            }
            ConfirmError::Sync(error) => error.into(),
        }
    }
}
