//! Executions: start, list, look at, end, settle.

use super::body::Json as Body;
use super::caller::Caller;
use super::extract::{Parameters, Segment};
use super::list::page;
use super::search::Search;
use super::{App, Problem, sight, view};
use crate::engine::{Idempotency, Repeat, Retried, StartError, StartRequest, Started};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use pulse_core::access::{Object, Verb};
use pulse_core::execution::{CancelMode, Outcome, Trigger};
use pulse_core::transition::ResolvedAs;
use pulse_protocol::{AttemptId, ExecutionId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that the answer is that of an earlier, equal request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Most pages that are read for one where the caller does not see everything; then it is a short one, and its cursor leads on.
const MAX_READS: usize = 10;
/// Characters of a reason that a person gives.
const MAX_REASON: usize = 1000;

/// What a start asks for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Start {
    workflow: String,
    /// Of which source; needed only where several have one of the name. Left out of the digest where it is not said, so that a key
    /// means the same to every release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(default)]
    params: BTreeMap<String, Value>,
    #[serde(default)]
    limit: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

/// `POST /api/v1/executions`.
pub(super) async fn start(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(wanted): Body<Start>,
) -> Result<Response, Problem> {
    let dry_run = wanted.dry_run;
    let idempotency = idempotency(&headers, &json!(wanted))?;
    if dry_run && idempotency.is_some() {
        return Err(Problem::bad_request("bad_header", "a dry run starts nothing, so it takes no Idempotency-Key"));
    }
    let Start { workflow, source, params, limit, .. } = wanted;
    may_run(&app, &caller, &workflow, source.as_deref())?;
    let request = StartRequest { workflow, source, params, limit, trigger: Trigger::person(caller.by()), idempotency };
    if dry_run {
        return Ok(Json(app.engine.dry_run(&request).await?).into_response());
    }
    let started = app.engine.start(request).await?;
    Ok(answer(&started, Value::Null))
}

/// Refuses a workflow that the caller may not run, and knows none that they do not see. What is not live is the engine's to say.
fn may_run(app: &App, caller: &Caller, workflow: &str, source: Option<&str>) -> Result<(), Problem> {
    for (source, labels) in app.engine.labels_of(workflow, source) {
        let object = Object::Workflow { source: &source, name: workflow, labels: &labels };
        if !caller.sees(&object) {
            let name = workflow.to_owned();
            return Err(StartError::NoSuchWorkflow { name, of: None }.into());
        }
        caller.may(Verb::Run, &object)?;
    }
    Ok(())
}

/// What was started, with what there is to say `beside` it: an object, or null.
fn answer(started: &Started, beside: Value) -> Response {
    let mut body = json!({
        "id": started.id,
        "number": started.number,
        "name": format!("{}#{}", started.workflow, started.number),
        "workflow": started.workflow,
        "source": started.source,
        "status": started.status,
        "commit": started.commit,
    });
    if let (Value::Object(body), Value::Object(beside)) = (&mut body, beside) {
        body.extend(beside);
    }
    let location = [(header::LOCATION, format!("/api/v1/executions/{}", started.id))];
    let mut response = (StatusCode::CREATED, location, Json(body)).into_response();
    if started.replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// The key, with a digest of what the body means: spaces and the order of keys are no difference.
fn idempotency(headers: &HeaderMap, wanted: &Value) -> Result<Option<Idempotency>, Problem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=200).contains(&key.len()));
    let key = key.ok_or_else(|| Problem::bad_request("bad_header", "Idempotency-Key must have 1 to 200 characters of ASCII"))?;
    let body_digest = Sha256::digest(wanted.to_string()).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(Idempotency { key: key.to_owned(), body_digest }))
}

/// `GET /api/v1/executions`: newest first.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(query): Parameters<Vec<(String, String)>>,
) -> Result<Json<Value>, Problem> {
    let Search { filter, limit, cursor } = Search::of(query)?;
    let (mut items, mut next) = (Vec::new(), cursor);
    for _ in 0..MAX_READS {
        let missing = limit - u32::try_from(items.len()).unwrap_or(limit);
        let found = app.engine.store().executions(&filter, missing, next).await.map_err(|error| match error {
            // The only one of its parameters that the store judges.
            pulse_store::Error::Value { reason, .. } if filter.commit.is_some() => Problem::parameter("commit", reason),
            error => error.into(),
        })?;
        items.extend(found.items.into_iter().filter_map(|item| match item {
            Ok(summary) => caller.sees(&sight::object(&summary)).then(|| view::summary(&summary)),
            // One bad row must not hide the others, nor look as if it did not exist.
            Err(error) => Some(json!({ "id": error.key, "status": "unreadable", "message": error.to_string() })),
        }));
        next = found.next;
        if next.is_none() || items.len() >= limit as usize {
            break;
        }
    }
    Ok(Json(page(items, next.map(|id| id.to_string()))))
}

/// `GET /api/v1/executions/{id}`, also by `workflow#number`.
pub(super) async fn one(State(app): State<App>, Segment(text): Segment, caller: Caller) -> Result<Json<Value>, Problem> {
    let id = sight::execution(&app, &caller, &text, Verb::View).await?;
    let execution = app.engine.view(id).await?.ok_or_else(|| no_such_execution(&text))?;
    let reasons = app.engine.why(id).await?.unwrap_or_default();
    Ok(Json(view::execution(&execution, &reasons)))
}

/// `GET /api/v1/executions/{id}/why`.
pub(super) async fn why(State(app): State<App>, Segment(text): Segment, caller: Caller) -> Result<Json<Value>, Problem> {
    let id = sight::execution(&app, &caller, &text, Verb::View).await?;
    let reasons = app.engine.why(id).await?.ok_or_else(|| no_such_execution(&text))?;
    Ok(Json(page(view::reasons(&reasons), None)))
}

/// How to end it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cancel {
    #[serde(default)]
    reason: String,
    #[serde(default = "drain")]
    mode: CancelMode,
}

fn drain() -> CancelMode {
    CancelMode::Drain
}

/// `POST /api/v1/executions/{id}/cancel`.
pub(super) async fn cancel(
    State(app): State<App>,
    Segment(text): Segment,
    caller: Caller,
    Body(wanted): Body<Cancel>,
) -> Result<Json<Value>, Problem> {
    let reason = reason(&wanted.reason)?;
    let id = sight::execution(&app, &caller, &text, Verb::Cancel).await?;
    let outcome = app.engine.cancel(id, wanted.mode, caller.by(), reason).await?;
    settled(&app, id, outcome).await
}

/// What became of an attempt.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resolve {
    attempt: AttemptId,
    outcome: ResolvedAs,
    reason: String,
}

/// `POST /api/v1/executions/{id}/resolve`.
pub(super) async fn resolve(
    State(app): State<App>,
    Segment(text): Segment,
    caller: Caller,
    Body(wanted): Body<Resolve>,
) -> Result<Json<Value>, Problem> {
    let reason = reason(&wanted.reason)?;
    if reason.is_empty() {
        return Err(Problem::parameter("reason", "say how you know, for everyone who reads the history"));
    }
    let id = sight::execution(&app, &caller, &text, Verb::Resolve).await?;
    let outcome = app.engine.resolve(id, wanted.attempt, wanted.outcome, caller.by(), reason).await?;
    settled(&app, id, outcome).await
}

/// How to run it again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Retry {
    #[serde(default)]
    from: RetryFrom,
    #[serde(default)]
    commit: RetryCommit,
    #[serde(default)]
    include_unknown: bool,
}

/// Where a retry begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RetryFrom {
    #[default]
    Failed,
    Start,
}

/// Which definitions a retry runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RetryCommit {
    #[default]
    Same,
    Head,
}

/// `POST /api/v1/executions/{id}/retry`.
pub(super) async fn retry(
    State(app): State<App>,
    Segment(text): Segment,
    caller: Caller,
    headers: HeaderMap,
    Body(wanted): Body<Retry>,
) -> Result<Response, Problem> {
    let repeat = match (wanted.from, wanted.commit) {
        (RetryFrom::Failed, RetryCommit::Same) => Repeat::FromFailed { include_unknown: wanted.include_unknown },
        (RetryFrom::Start, RetryCommit::Same) => Repeat::Same,
        (RetryFrom::Start, RetryCommit::Head) => Repeat::Head,
        (RetryFrom::Failed, RetryCommit::Head) => {
            let said = "the steps of another commit are not those that have run; run it from the start";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_retry", said));
        }
    };
    let id = sight::execution(&app, &caller, &text, Verb::Run).await?;
    // The same body means another request for another execution.
    let idempotency = idempotency(&headers, &json!({ "retryOf": id, "retry": wanted }))?;
    let Retried { started, dropped } = app.engine.retry(id, repeat, caller.by(), idempotency).await?;
    Ok(answer(&started, json!({ "retryOf": id, "droppedParams": dropped })))
}

/// What an input did, and how the execution stands after it.
async fn settled(app: &App, id: ExecutionId, outcome: Outcome) -> Result<Json<Value>, Problem> {
    let changed = match outcome {
        Outcome::Done => true,
        Outcome::Unchanged => false,
        Outcome::Refused(refusal) => return Err(refusal.into()),
    };
    let status = app.engine.view(id).await?.map(|execution| execution.status.as_str());
    Ok(Json(json!({ "id": id, "changed": changed, "status": status })))
}

fn reason(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.chars().count() > MAX_REASON {
        return Err(Problem::parameter("reason", format!("at most {MAX_REASON} characters")));
    }
    Ok(text.to_owned())
}

pub(super) fn no_such_execution(text: &str) -> Problem {
    let shown: String = text.chars().take(100).collect();
    Problem::not_found("no_such_execution", format!("there is no execution `{shown}`"))
}
