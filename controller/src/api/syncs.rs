//! Syncs: what came of each look at the source; look now; release what is held.

use super::answers::{Row, SyncNow, SyncPage, SyncView};
use super::body::Json as Body;
use super::caller::Caller;
use super::extract::{Parameters, Segment};
use super::list::limit;
use super::reply::Object;
use super::time::At;
use super::{App, Problem, webhooks};
use crate::audit::Ticket;
use crate::sync::Confirmation;
use crate::webhook::Last;
use axum::extract::State;
use axum::response::Json;
use pulse_core::Timestamp;
use pulse_store::{SyncOutcome, SyncRecord};
use serde_json::{Value, json};
use uuid::Uuid;

/// Problems, and changes, of a sync in a list; all that are kept of one stand in its own answer.
const LISTED: usize = 20;

/// Which syncs: a page, of all sources or of one.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Items of the page: 100 unless said, at most 500.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    limit: Option<u32>,
    /// The `nextCursor` of the page before.
    #[schemars(with = "Option<Uuid>")]
    cursor: Option<String>,
    /// Those of this source.
    source: Option<String>,
}

/// `GET /api/v1/syncs`: newest first.
pub(super) async fn list(State(app): State<App>, Parameters(query): Parameters<Which>) -> Result<SyncPage, Problem> {
    let limit = limit(query.limit)?;
    let before = query.cursor.map(|cursor| cursor.parse::<Uuid>()).transpose();
    let before = before.map_err(|_| Problem::parameter("cursor", "it is not the `nextCursor` of a page before"))?;
    let mut rows = app.engine.store().syncs(query.source.as_deref(), limit + 1, before).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.iter().rev().find_map(|row| match row {
        Ok(record) => Some(record.id.to_string()),
        Err(error) => error.key.clone(),
    });
    let items = rows.into_iter().map(|row| match row {
        Ok(record) => Row::Read(listed(&record)),
        Err(error) => Row::Unreadable(error.into()),
    });
    let last_webhook = webhooks::last(&app).await.as_ref().and_then(Last::of_all).map(webhooks::view);
    Ok(SyncPage { items: items.collect(), next_cursor: last.filter(|_| more), last_webhook })
}

/// `GET /api/v1/syncs/{id}`.
pub(super) async fn one(State(app): State<App>, Segment(text): Segment) -> Result<Object<SyncView>, Problem> {
    let id = id_of(&text)?;
    let found = app.engine.store().sync(id).await?;
    Ok(Object(view(&found.ok_or_else(no_such_sync)?)))
}

fn id_of(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| no_such_sync())
}

fn no_such_sync() -> Problem {
    Problem::not_found("no_such_sync", "there is no such sync").with_help("GET /api/v1/syncs lists those there are")
}

/// Which source to look at; needed only where there are several.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SyncRequest")]
pub(super) struct Look {
    /// The source; needed only where there are several.
    source: Option<String>,
}

/// `POST /api/v1/syncs`: looks at the source now and answers when that is done.
pub(super) async fn sync(
    State(app): State<App>,
    ticket: Ticket,
    Body(Look { source }): Body<Look>,
) -> Result<Json<SyncNow>, Problem> {
    source.iter().for_each(|source| ticket.on("source", source));
    let syncer = app.sources.pick(source.as_deref())?;
    ticket.on("source", syncer.name());
    let record = syncer.sync().await?;
    note(&ticket, &record);
    let sync = view(&record);
    let last = webhooks::last(&app).await;
    let last_webhook = last.as_ref().and_then(|last| last.about(syncer.name())).map(webhooks::view);
    Ok(Json(SyncNow { sync, last_webhook }))
}

/// What a person confirms.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ConfirmSync")]
pub(super) struct Confirm {
    /// The commit of the held sync.
    commit: String,
    /// Its `planDigest`.
    plan_digest: String,
}

/// `POST /api/v1/syncs/{id}/confirm`.
pub(super) async fn confirm(
    State(app): State<App>,
    Segment(text): Segment,
    caller: Caller,
    ticket: Ticket,
    Body(Confirm { commit, plan_digest }): Body<Confirm>,
) -> Result<Json<SyncView>, Problem> {
    let word = Confirmation { sync: id_of(&text)?, commit, plan_digest, by: caller.by() };
    ticket.say("commit", word.commit.as_str());
    ticket.say("planDigest", word.plan_digest.as_str());
    let record = app.sources.confirm(word).await?;
    note(&ticket, &record);
    Ok(Json(view(&record)))
}

/// What came of a sync. What it changed of what is live has a row of its own, the source's.
fn note(ticket: &Ticket, record: &SyncRecord) {
    ticket.say("sync", record.id.to_string());
    ticket.say("outcome", record.outcome.as_str());
    record.commit.iter().for_each(|commit| ticket.say("commit", commit.as_str()));
    if record.outcome != SyncOutcome::Applied {
        ticket.unchanged();
    }
}

/// A sync in a list.
fn listed(record: &SyncRecord) -> SyncView {
    let mut listed = view(record);
    for all in [&mut listed.problems, &mut listed.changes] {
        if let Some(all) = all.as_array_mut() {
            all.truncate(LISTED);
        }
    }
    listed
}

pub(super) fn view(record: &SyncRecord) -> SyncView {
    let mut counts = record.counts.clone();
    let mut taken = |name| counts.as_object_mut().and_then(|counts| counts.shift_remove(name));
    let (plan_digest, changes) = (taken("planDigest"), taken("changes"));
    let (confirmed_by, confirms, hangs_since) = (taken("confirmedBy"), taken("confirms"), taken("hangsSince"));
    SyncView {
        id: record.id,
        source: record.source.clone(),
        commit: record.commit.clone(),
        author: record.author.clone(),
        title: record.title.clone(),
        outcome: record.outcome.as_str(),
        reason: record.reason.clone(),
        generation: record.generation,
        message: record.message.clone(),
        problems: record.problems.clone(),
        problem_count: record.problems.as_array().map_or(0, Vec::len),
        counts,
        plan_digest,
        confirmed_by,
        confirms,
        hangs_since: hangs_since.as_ref().and_then(Value::as_i64).map(|since| At(Timestamp(since))),
        changes: changes.unwrap_or_else(|| json!([])),
        started_at: record.started_at.into(),
        finished_at: At(Timestamp(record.started_at.0.saturating_add(record.duration_us))),
        duration_ms: record.duration_us / 1000,
    }
}
