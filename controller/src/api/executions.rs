//! Executions: start, list, look at, end, settle.

use super::answers::{ExecutionSummary, ExecutionView, Page, ReasonView, Row, Settled, StartedView};
use super::body::Json as Body;
use super::caller::Caller;
use super::commands::may_command;
use super::extract::{Parameters, Segment};
use super::idempotency::Key;
use super::list::page;
use super::reply::{Object, Replayable};
use super::search::{Search, SearchQuery};
use super::traced::Traced;
use super::{App, Problem, sight, view};
use crate::audit::Ticket;
use crate::engine::{DryRun, Repeat, Retried, StartError, StartRequest, Started};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use pulse_core::access::{self, Verb};
use pulse_core::definitions::COMMAND;
use pulse_core::execution::{CancelMode, Input, Outcome, Trigger};
use pulse_core::transition::ResolvedAs;
use pulse_protocol::{AttemptId, ExecutionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most pages that are read for one where the caller does not see everything; then it is a short one, and its cursor leads on.
const MAX_READS: usize = 10;
/// Characters of a reason that a person gives.
const MAX_REASON: usize = 1000;
/// Names of parameters that the audit log has of a start, and targets of a command.
pub(super) const SAID: usize = 40;

/// What a start asks for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "StartExecution")]
pub(super) struct Start {
    /// The workflow's name.
    workflow: String,
    /// Of which source; needed only where several have one of the name. Left out of the digest where it is not said, so that a key
    /// means the same to every release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// Parameters by name, as JSON of the parameter's type or as the text of one.
    #[serde(default)]
    params: BTreeMap<String, Value>,
    /// A selector that narrows the targets of every step.
    #[serde(default)]
    limit: Option<String>,
    /// Answers what it would do, and does nothing.
    #[serde(default)]
    dry_run: bool,
}

/// `POST /api/v1/executions`.
pub(super) async fn start(
    State(app): State<App>,
    caller: Caller,
    ticket: Ticket,
    key: Key,
    Traced(trace): Traced,
    Body(wanted): Body<Start>,
) -> Result<StartAnswer, Problem> {
    let dry_run = wanted.dry_run;
    let idempotency = key.of_start(dry_run, &json!(wanted))?;
    let Start { workflow, source, params, limit, .. } = wanted;
    ticket.on("workflow", &workflow);
    ticket.say("workflow", workflow.as_str());
    // Their values may be nobody's business; the execution has them.
    ticket.say("params", params.keys().take(SAID).map(String::as_str).collect::<Vec<_>>());
    limit.iter().for_each(|limit| ticket.say("limit", limit.as_str()));
    may_run(&app, &caller, &workflow, source.as_deref())?;
    let trigger = Trigger::person(caller.by());
    let audit = if dry_run { None } else { Some(ticket.hand_over(201)) };
    let request = StartRequest { workflow, source, params, limit, trigger, idempotency, audit, trace };
    if dry_run {
        ticket.say("dryRun", true);
        ticket.unchanged();
        return Ok(StartAnswer::Dry(Box::new(app.engine.dry_run(&request).await?)));
    }
    let started = app.engine.start(request).await?;
    note(&ticket, &started);
    Ok(StartAnswer::Started(Box::new(answer(started))))
}

/// Refuses a workflow that the caller may not run, and knows none that they do not see. What is not live is the engine's to say.
fn may_run(app: &App, caller: &Caller, workflow: &str, source: Option<&str>) -> Result<(), Problem> {
    for (source, labels) in app.engine.labels_of(workflow, source) {
        let object = access::Object::Workflow { source: &source, name: workflow, labels: &labels };
        if !caller.sees(&object) {
            let name = workflow.to_owned();
            return Err(StartError::NoSuchWorkflow { name, of: None }.into());
        }
        caller.may(Verb::Run, &object)?;
    }
    Ok(())
}

/// What an earlier request has started is not started again.
pub(super) fn note(ticket: &Ticket, started: &Started) {
    if started.replayed {
        ticket.on("execution", started.id);
        ticket.unchanged();
    }
}

/// What a start answers.
pub(super) enum StartAnswer {
    /// What was started.
    Started(Box<Replayable<StartedView>>),
    /// What would be.
    Dry(Box<DryRun>),
}

impl IntoResponse for StartAnswer {
    fn into_response(self) -> Response {
        match self {
            Self::Started(answer) => answer.into_response(),
            Self::Dry(plan) => Json(plan).into_response(),
        }
    }
}

pub(super) fn answer(started: Started) -> Replayable<StartedView> {
    let Started { id, number, workflow, source, status, commit, replayed } = started;
    let name = format!("{workflow}#{number}");
    let answer = StartedView { id, number, name, workflow, source, status, commit, retry_of: None, dropped_params: None };
    Replayable { location: format!("/api/v1/executions/{id}"), replayed, answer }
}

/// `GET /api/v1/executions`: newest first.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(query): Parameters<SearchQuery>,
) -> Result<Page<Row<ExecutionSummary>>, Problem> {
    let Search { filter, limit, cursor } = Search::of(query.0)?;
    let (mut items, mut next) = (Vec::new(), cursor);
    for _ in 0..MAX_READS {
        let missing = limit - u32::try_from(items.len()).unwrap_or(limit);
        let found = app.engine.store().executions(&filter, missing, next).await.map_err(|error| match error {
            // The only one of its parameters that the store judges.
            pulse_store::Error::Value { reason, .. } if filter.commit.is_some() => Problem::parameter("commit", reason),
            error => error.into(),
        })?;
        items.extend(found.items.into_iter().filter_map(|item| match item {
            Ok(summary) => caller.sees(&sight::object(&summary)).then(|| Row::Read(view::summary(summary))),
            Err(error) => Some(Row::Unreadable(error.into())),
        }));
        next = found.next;
        if next.is_none() || items.len() >= limit as usize {
            break;
        }
    }
    Ok(page(items, next.map(|id| id.to_string())))
}

/// `GET /api/v1/executions/{id}`, also by `workflow#number`.
pub(super) async fn one(
    State(app): State<App>,
    Segment(text): Segment,
    caller: Caller,
) -> Result<Object<ExecutionView>, Problem> {
    let id = sight::execution(&app, &caller, &text, Verb::View).await?;
    let execution = app.engine.view(id).await?.ok_or_else(|| no_such_execution(&text))?;
    let reasons = app.engine.why(id).await?.unwrap_or_default();
    Ok(Object(view::execution(&execution, &reasons)))
}

/// `GET /api/v1/executions/{id}/why`.
pub(super) async fn why(State(app): State<App>, Segment(text): Segment, caller: Caller) -> Result<Page<ReasonView>, Problem> {
    let id = sight::execution(&app, &caller, &text, Verb::View).await?;
    let reasons = app.engine.why(id).await?.ok_or_else(|| no_such_execution(&text))?;
    Ok(page(reasons.iter().map(ReasonView::of), None))
}

/// How to end it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CancelExecution")]
pub(super) struct Cancel {
    /// Why.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    reason: String,
    /// `drain` (what runs may end) unless said, or `kill`.
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
    ticket: Ticket,
    Body(wanted): Body<Cancel>,
) -> Result<Json<Settled>, Problem> {
    let reason = reason(&wanted.reason)?;
    let id = sight::execution(&app, &caller, &text, Verb::Cancel).await?;
    ticket.on("execution", id);
    ticket.say("mode", json!(wanted.mode));
    let (mode, by) = (wanted.mode, caller.by());
    let outcome = app.engine.submit(id, Input::Cancel { mode, by, reason }, Some(ticket.hand_over(200))).await?;
    settled(&app, id, &ticket, outcome).await
}

/// What became of an attempt.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ResolveAttempt")]
pub(super) struct Resolve {
    /// The attempt that is `unknown`.
    attempt: AttemptId,
    /// How to take it.
    outcome: ResolvedAs,
    /// How that is known.
    #[schemars(length(min = 1, max = 1000))]
    reason: String,
}

/// `POST /api/v1/executions/{id}/resolve`.
pub(super) async fn resolve(
    State(app): State<App>,
    Segment(text): Segment,
    caller: Caller,
    ticket: Ticket,
    Body(wanted): Body<Resolve>,
) -> Result<Json<Settled>, Problem> {
    let reason = reason(&wanted.reason)?;
    if reason.is_empty() {
        return Err(Problem::parameter("reason", "say how you know, for everyone who reads the history"));
    }
    let id = sight::execution(&app, &caller, &text, Verb::Resolve).await?;
    ticket.on("execution", id);
    ticket.say("attempt", wanted.attempt.to_string());
    ticket.say("resolvedAs", json!(wanted.outcome));
    let input = Input::Resolve { attempt: wanted.attempt, outcome: wanted.outcome, by: caller.by(), reason };
    let outcome = app.engine.submit(id, input, Some(ticket.hand_over(200))).await?;
    settled(&app, id, &ticket, outcome).await
}

/// How to run it again.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "RetryExecution")]
pub(super) struct Retry {
    /// Where it begins: at the step that failed unless said.
    #[serde(default)]
    from: RetryFrom,
    /// Which definitions it runs: the same unless said.
    #[serde(default)]
    commit: RetryCommit,
    /// Targets whose attempts are `unknown` are tried again, too.
    #[serde(default)]
    include_unknown: bool,
}

/// Where a retry begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum RetryFrom {
    #[default]
    Failed,
    Start,
}

/// Which definitions a retry runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    ticket: Ticket,
    key: Key,
    Traced(trace): Traced,
    Body(wanted): Body<Retry>,
) -> Result<Replayable<StartedView>, Problem> {
    let repeat = match (wanted.from, wanted.commit) {
        (RetryFrom::Failed, RetryCommit::Same) => Repeat::FromFailed { include_unknown: wanted.include_unknown },
        (RetryFrom::Start, RetryCommit::Same) => Repeat::Same,
        (RetryFrom::Start, RetryCommit::Head) => Repeat::Head,
        (RetryFrom::Failed, RetryCommit::Head) => {
            let said = "the steps of another commit are not those that have run; run it from the start";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_retry", said));
        }
    };
    let id = may_repeat(&app, &caller, &text, repeat).await?;
    // The same body means another request for another execution.
    let idempotency = key.of(&json!({ "retryOf": id, "retry": wanted }));
    ticket.on("execution", id);
    ticket.say("retryOf", id.to_string());
    ticket.say("retry", json!(wanted));
    let audit = Some(ticket.hand_over(201));
    let Retried { started, dropped } = app.engine.retry(id, repeat, caller.by(), idempotency, (audit, trace)).await?;
    note(&ticket, &started);
    let mut answer = answer(started);
    (answer.answer.retry_of, answer.answer.dropped_params) = (Some(id), Some(dropped));
    Ok(answer)
}

/// The execution that a path names, if the caller may run it again. A command by itself is judged by its agents, as it was at first, so
/// that no right to run workflows repeats what another person could command.
async fn may_repeat(app: &App, caller: &Caller, text: &str, repeat: Repeat) -> Result<ExecutionId, Problem> {
    let summary = sight::summary(app, caller, text).await?;
    if summary.workflow != COMMAND {
        caller.may(Verb::Run, &sight::object(&summary))?;
        return Ok(summary.id);
    }
    if repeat == Repeat::Head {
        let said = "a command by itself is of no commit, so there is no other one to run it from";
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_retry", said);
        return Err(problem.with_help("leave `commit` (`--head`) out, or run the command anew"));
    }
    may_command(caller, &app.engine.targets_of(summary.id).await?)?;
    Ok(summary.id)
}

/// What an input did, and how the execution stands after it.
async fn settled(app: &App, id: ExecutionId, ticket: &Ticket, outcome: Outcome) -> Result<Json<Settled>, Problem> {
    let changed = match outcome {
        Outcome::Done => true,
        Outcome::Unchanged => {
            ticket.unchanged();
            false
        }
        Outcome::Refused(refusal) => return Err(refusal.into()),
    };
    let status = app.engine.view(id).await?.map(|execution| execution.status.as_str());
    Ok(Json(Settled { id, changed, status }))
}

pub(super) fn reason(text: &str) -> Result<String, Problem> {
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
