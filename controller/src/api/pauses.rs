//! The brake: pauses are set, listed and ended.

use super::body::Json as Body;
use super::caller::Caller;
use super::extract::{Parameters, Segment};
use super::list::{limit, page};
use super::time::{optional, rfc3339};
use super::{App, Problem};
use crate::clock;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use crd_schemas::Duration;
use pulse_core::Timestamp;
use pulse_core::access::{Object, Verb};
use pulse_core::pause::PauseScope;
use pulse_protocol::AgentName;
use pulse_store::{PauseEnd, PauseRow, Pauses};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Characters of a reason.
const MAX_REASON: usize = 1000;
/// The longest time that can be said; without one a pause holds until somebody ends it.
const MAX_EXPIRES: Duration = Duration::from_secs(366 * 86_400);

/// What to hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pause {
    scope: String,
    reason: String,
    #[serde(default)]
    expires: Option<String>,
}

/// `POST /api/v1/pauses`.
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(wanted): Body<Pause>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let scope: PauseScope = wanted.scope.parse().map_err(|error| Problem::parameter("scope", format!("{error}")))?;
    may_hold(&app, &caller, &scope)?;
    let reason = wanted.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > MAX_REASON {
        return Err(Problem::parameter(
            "reason",
            format!("say why, in at most {MAX_REASON} characters: whoever waits will read it"),
        ));
    }
    let now = clock::now();
    let expires_at = wanted.expires.map(|text| expires(&text).map(|after| now.plus(after))).transpose()?;
    let row = PauseRow { id: Uuid::now_v7(), scope, reason, created_by: caller.by(), created_at: now, expires_at, ended: None };
    let (row, is_new) = app.engine.pause(row).await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(view(&app, &row, now))))
}

/// Whether the caller may hold, and let go on, what a scope names. Labels, and everything, are more than one workflow or agent.
fn may_hold(app: &App, caller: &Caller, scope: &PauseScope) -> Result<(), Problem> {
    let none = BTreeMap::new();
    match scope {
        PauseScope::Workflow(name) => {
            let all = app.engine.labels_of(name, None);
            let object = |source, labels| Object::Workflow { source, name, labels };
            all.iter().try_for_each(|(source, labels)| caller.may(Verb::Pause, &object(source.as_str(), labels)))?;
            // Of one that is not live nothing is known but its name.
            if all.is_empty() { caller.may(Verb::Pause, &object("", &none)) } else { Ok(()) }
        }
        PauseScope::Agent(name) => {
            let agent = name.parse().ok().and_then(|name: AgentName| app.engine.fleet().get(&name, clock::now()));
            let labels = agent.map(|agent| agent.labels).unwrap_or_default();
            caller.may(Verb::Pause, &Object::Agent { name, labels: &labels })
        }
        PauseScope::All | PauseScope::Schedule(_) | PauseScope::Labels(_) => caller.may(Verb::Pause, &Object::Pulse),
    }
}

fn expires(text: &str) -> Result<Duration, Problem> {
    let found: Result<Duration, _> = text.parse();
    let found = found.map_err(|error| Problem::parameter("expires", format!("{error}; write, for example, `2h`")))?;
    if found < Duration::from_secs(1) || found > MAX_EXPIRES {
        return Err(Problem::parameter("expires", "it must be between 1s and a year"));
    }
    Ok(found)
}

/// The parameters of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    #[serde(default)]
    all: bool,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET /api/v1/pauses`: those that hold, the newest first.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Json<Value>, Problem> {
    let cursor = query.cursor.map(|cursor| cursor.parse::<Uuid>()).transpose();
    let cursor = cursor.map_err(|_| Problem::parameter("cursor", "it is not the `nextCursor` of a page before"))?;
    let now = clock::now();
    let which = if query.all { Pauses::All } else { Pauses::Active(now) };
    let found = app.engine.store().pauses(which, limit(query.limit)?, cursor).await?;
    let items = found.items.into_iter().filter_map(|item| match item {
        Ok(row) => sees(&app, &caller, &row.scope).then(|| view(&app, &row, now)),
        Err(error) => Some(json!({ "id": error.key, "status": "unreadable", "message": error.to_string() })),
    });
    Ok(Json(page(items.collect(), found.next.map(|id| id.to_string()))))
}

/// A pause of a workflow says its name.
fn sees(app: &App, caller: &Caller, scope: &PauseScope) -> bool {
    let PauseScope::Workflow(name) = scope else { return true };
    let sees = |(source, labels): &(String, _)| caller.sees(&Object::Workflow { source, name, labels });
    app.engine.labels_of(name, None).iter().all(sees)
}

/// `DELETE /api/v1/pauses/{id}`.
pub(super) async fn end(State(app): State<App>, Segment(text): Segment, caller: Caller) -> Result<Json<Value>, Problem> {
    let unknown = || {
        let shown: String = text.chars().take(100).collect();
        Problem::not_found("no_such_pause", format!("there is no pause `{shown}`"))
    };
    let id = text.parse::<Uuid>().map_err(|_| unknown())?;
    let row = app.engine.store().find_pause(id).await?.ok_or_else(unknown)?;
    may_hold(&app, &caller, &row.scope)?;
    match app.engine.end_pause(id, caller.by()).await? {
        PauseEnd::Ended(row) | PauseEnd::Over(row) => Ok(Json(view(&app, &row, clock::now()))),
        PauseEnd::Absent => Err(unknown()),
    }
}

/// Does it hold, and if not: did its time end it, or a person?
fn status(row: &PauseRow, now: Timestamp) -> &'static str {
    match (&row.ended, row.pause().is_active(now)) {
        (Some(_), _) => "ended",
        (None, true) => "active",
        (None, false) => "expired",
    }
}

/// With what it holds right now; one that is over holds nothing.
fn view(app: &App, row: &PauseRow, now: Timestamp) -> Value {
    let (ended, status) = (row.ended.as_ref(), status(row, now));
    let held = (status == "active").then(|| app.engine.held_by(&row.pause()));
    json!({
        "id": row.id,
        "status": status,
        "scope": row.scope.to_string(),
        "reason": row.reason,
        "createdBy": row.created_by,
        "createdAt": rfc3339(row.created_at),
        "expiresAt": optional(row.expires_at),
        "endedAt": optional(ended.map(|(at, _)| *at)),
        "endedBy": ended.map(|(_, by)| by),
        "holds": held.map(|held| {
            json!({ "workflows": held.workflows, "schedules": held.schedules, "agents": held.agents })
        }),
    })
}
