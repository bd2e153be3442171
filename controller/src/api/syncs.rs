//! Syncs: what came of each look at the source; look now; release what is held.

use super::body::Json as Body;
use super::caller::Caller;
use super::extract::{Parameters, Segment};
use super::list::{limit, page};
use super::time::rfc3339;
use super::{App, Problem, webhooks};
use crate::sync::Confirmation;
use crate::webhook::Last;
use axum::extract::State;
use axum::response::Json;
use pulse_core::Timestamp;
use pulse_store::SyncRecord;
use serde_json::{Value, json};
use uuid::Uuid;

/// Problems, and changes, of a sync in a list; all that are kept of one stand in its own answer.
const LISTED: usize = 20;

/// Which syncs: a page, of all sources or of one.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    limit: Option<u32>,
    cursor: Option<String>,
    source: Option<String>,
}

/// `GET /api/v1/syncs`: newest first.
pub(super) async fn list(State(app): State<App>, Parameters(query): Parameters<Which>) -> Result<Json<Value>, Problem> {
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
    let items = rows.iter().map(|row| match row {
        Ok(record) => listed(record),
        Err(error) => json!({ "id": error.key, "outcome": "unreadable", "message": error.to_string() }),
    });
    let mut page = page(items.collect(), last.filter(|_| more));
    page["lastWebhook"] = json!(webhooks::view(webhooks::last(&app).await.as_ref().and_then(Last::of_all)));
    Ok(Json(page))
}

/// `GET /api/v1/syncs/{id}`.
pub(super) async fn one(State(app): State<App>, Segment(text): Segment) -> Result<Json<Value>, Problem> {
    let id = id_of(&text)?;
    let found = app.engine.store().sync(id).await?;
    Ok(Json(view(&found.ok_or_else(no_such_sync)?)))
}

fn id_of(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| no_such_sync())
}

fn no_such_sync() -> Problem {
    Problem::not_found("no_such_sync", "there is no such sync").with_help("GET /api/v1/syncs lists those there are")
}

/// Which source to look at; needed only where there are several.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Look {
    source: Option<String>,
}

/// `POST /api/v1/syncs`: looks at the source now and answers when that is done.
pub(super) async fn sync(State(app): State<App>, Body(Look { source }): Body<Look>) -> Result<Json<Value>, Problem> {
    let syncer = app.sources.pick(source.as_deref())?;
    let mut answer = view(&syncer.sync().await?);
    let last = webhooks::last(&app).await;
    answer["lastWebhook"] = json!(webhooks::view(last.as_ref().and_then(|last| last.about(syncer.name()))));
    Ok(Json(answer))
}

/// What a person confirms.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Confirm {
    commit: String,
    plan_digest: String,
}

/// `POST /api/v1/syncs/{id}/confirm`.
pub(super) async fn confirm(
    State(app): State<App>,
    Segment(text): Segment,
    caller: Caller,
    Body(Confirm { commit, plan_digest }): Body<Confirm>,
) -> Result<Json<Value>, Problem> {
    let word = Confirmation { sync: id_of(&text)?, commit, plan_digest, by: caller.by() };
    Ok(Json(view(&app.sources.confirm(word).await?)))
}

/// A sync in a list.
fn listed(record: &SyncRecord) -> Value {
    let mut listed = view(record);
    for name in ["problems", "changes"] {
        if let Some(all) = listed[name].as_array_mut() {
            all.truncate(LISTED);
        }
    }
    listed
}

pub(super) fn view(record: &SyncRecord) -> Value {
    let mut counts = record.counts.clone();
    let mut taken = |name| counts.as_object_mut().and_then(|counts| counts.shift_remove(name));
    let (plan_digest, changes) = (taken("planDigest"), taken("changes"));
    let (confirmed_by, confirms, hangs_since) = (taken("confirmedBy"), taken("confirms"), taken("hangsSince"));
    let hangs_since = hangs_since.as_ref().and_then(Value::as_i64).map(|since| rfc3339(Timestamp(since)));
    json!({
        "id": record.id,
        "source": record.source,
        "commit": record.commit,
        "author": record.author,
        "title": record.title,
        "outcome": record.outcome.as_str(),
        "reason": record.reason,
        "generation": record.generation,
        "message": record.message,
        "problems": record.problems,
        "problemCount": record.problems.as_array().map_or(0, Vec::len),
        "counts": counts,
        "planDigest": plan_digest,
        "confirmedBy": confirmed_by,
        "confirms": confirms,
        "hangsSince": hangs_since,
        "changes": changes.unwrap_or_else(|| json!([])),
        "startedAt": rfc3339(record.started_at),
        "finishedAt": rfc3339(Timestamp(record.started_at.0.saturating_add(record.duration_us))),
        "durationMs": record.duration_us / 1000,
    })
}
