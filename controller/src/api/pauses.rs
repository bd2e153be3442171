//! The brake: pauses are set, listed and ended.

use super::answers::{Holds, Page, PauseView, Row};
use super::body::Json as Body;
use super::caller::Caller;
use super::extract::{Parameters, Segment};
use super::list::{limit, page};
use super::reply::{Maybe, Object};
use super::time::At;
use super::{App, Problem};
use crate::audit::Ticket;
use crate::clock;
use axum::extract::State;
use axum::response::Json;
use crd_schemas::Duration;
use pulse_core::Timestamp;
use pulse_core::access::{self, Verb};
use pulse_core::pause::PauseScope;
use pulse_protocol::AgentName;
use pulse_store::{PauseEnd, PauseRow, Pauses};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Characters of a reason.
const MAX_REASON: usize = 1000;
/// The longest time that can be said; without one a pause holds until somebody ends it.
const MAX_EXPIRES: Duration = Duration::from_secs(366 * 86_400);

/// What to hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreatePause")]
pub(super) struct Pause {
    /// What to hold: `all`, `workflow/NAME`, `schedule/NAME`, `agent/NAME`, or labels such as `team=infra,env!=dev`.
    #[schemars(length(min = 1, max = 512))]
    scope: String,
    /// Why.
    #[schemars(length(min = 1, max = 1000))]
    reason: String,
    /// For how long, such as `2h`: 1s to a year; until it is ended unless said.
    #[serde(default)]
    expires: Option<String>,
}

/// `POST /api/v1/pauses`.
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    ticket: Ticket,
    Body(wanted): Body<Pause>,
) -> Result<Maybe<PauseView>, Problem> {
    let scope: PauseScope = wanted.scope.parse().map_err(|error| Problem::parameter("scope", format!("{error}")))?;
    ticket.say("scope", scope.to_string());
    may_hold(&app, &caller, &scope)?;
    let reason = reason(&wanted.reason)?;
    let now = clock::now();
    let expires_at = wanted.expires.map(|text| expires(&text).map(|after| now.plus(after))).transpose()?;
    let row = PauseRow { id: Uuid::now_v7(), scope, reason, created_by: caller.by(), created_at: now, expires_at, ended: None };
    let (row, is_new) = app.engine.pause(row).await?;
    ticket.on("pause", row.id);
    ticket.after(&kept(&row));
    if !is_new {
        ticket.unchanged();
    }
    Ok(Maybe { is_new, answer: view(&app, &row, now) })
}

/// Whether the caller may hold, and let go on, what a scope names. Labels, and everything, are more than one workflow or agent.
pub(super) fn may_hold(app: &App, caller: &Caller, scope: &PauseScope) -> Result<(), Problem> {
    let none = BTreeMap::new();
    match scope {
        PauseScope::Workflow(name) => {
            let all = app.engine.labels_of(name, None);
            let object = |source, labels| access::Object::Workflow { source, name, labels };
            all.iter().try_for_each(|(source, labels)| caller.may(Verb::Pause, &object(source.as_str(), labels)))?;
            // Of one that is not live nothing is known but its name.
            if all.is_empty() { caller.may(Verb::Pause, &object("", &none)) } else { Ok(()) }
        }
        PauseScope::Agent(name) => {
            let agent = name.parse().ok().and_then(|name: AgentName| app.engine.fleet().get(&name, clock::now()));
            let labels = agent.map(|agent| agent.labels).unwrap_or_default();
            caller.may(Verb::Pause, &access::Object::Agent { name, labels: &labels })
        }
        PauseScope::All | PauseScope::Schedule(_) | PauseScope::Labels(_) => caller.may_all(Verb::Pause),
    }
}

/// A pause of a workflow says its name.
fn sees(app: &App, caller: &Caller, scope: &PauseScope) -> bool {
    let PauseScope::Workflow(name) = scope else { return true };
    let sees = |(source, labels): &(String, _)| caller.sees(&access::Object::Workflow { source, name, labels });
    app.engine.labels_of(name, None).iter().all(sees)
}

/// Why, as whoever waits will read it.
pub(super) fn reason(text: &str) -> Result<String, Problem> {
    let reason = text.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > MAX_REASON {
        let message = format!("say why, in at most {MAX_REASON} characters: whoever waits will read it");
        return Err(Problem::parameter("reason", message));
    }
    Ok(reason)
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
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Those that are over as well.
    #[serde(default)]
    all: bool,
    /// Items of the page: 100 unless said, at most 500.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    limit: Option<u32>,
    /// The `nextCursor` of the page before.
    #[schemars(with = "Option<Uuid>")]
    cursor: Option<String>,
}

/// `GET /api/v1/pauses`: those that hold, the newest first.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Page<Row<PauseView>>, Problem> {
    let cursor = query.cursor.map(|cursor| cursor.parse::<Uuid>()).transpose();
    let cursor = cursor.map_err(|_| Problem::parameter("cursor", "it is not the `nextCursor` of a page before"))?;
    let now = clock::now();
    let which = if query.all { Pauses::All } else { Pauses::Active(now) };
    let found = app.engine.store().pauses(which, limit(query.limit)?, cursor).await?;
    let items = found.items.into_iter().filter_map(|item| match item {
        Ok(row) => sees(&app, &caller, &row.scope).then(|| Row::Read(view(&app, &row, now))),
        Err(error) => Some(Row::Unreadable(error.into())),
    });
    Ok(page(items, found.next.map(|id| id.to_string())))
}

/// `GET /api/v1/pauses/{id}`.
pub(super) async fn one(State(app): State<App>, Segment(text): Segment, caller: Caller) -> Result<Object<PauseView>, Problem> {
    let row = find(&app, &caller, &text).await?;
    Ok(Object(view(&app, &row, clock::now())))
}

/// The pause, if the caller sees it.
async fn find(app: &App, caller: &Caller, text: &str) -> Result<PauseRow, Problem> {
    let id = text.parse::<Uuid>().map_err(|_| no_such_pause(text))?;
    let row = app.engine.store().find_pause(id).await?;
    row.filter(|row| sees(app, caller, &row.scope)).ok_or_else(|| no_such_pause(text))
}

fn no_such_pause(text: &str) -> Problem {
    let shown: String = text.chars().take(100).collect();
    Problem::not_found("no_such_pause", format!("there is no pause `{shown}`"))
}

/// `DELETE /api/v1/pauses/{id}`.
pub(super) async fn end(
    State(app): State<App>,
    Segment(text): Segment,
    caller: Caller,
    ticket: Ticket,
) -> Result<Json<PauseView>, Problem> {
    let row = find(&app, &caller, &text).await?;
    ticket.say("scope", row.scope.to_string());
    may_hold(&app, &caller, &row.scope)?;
    let row = match app.engine.end_pause(row.id, caller.by()).await? {
        PauseEnd::Ended(row) => {
            ticket.before(&kept(&PauseRow { ended: None, ..row.clone() }));
            row
        }
        PauseEnd::Over(row) => {
            ticket.unchanged();
            row
        }
        PauseEnd::Absent => return Err(no_such_pause(&text)),
    };
    ticket.after(&kept(&row));
    Ok(Json(view(&app, &row, clock::now())))
}

/// As the audit log digests it.
fn kept(row: &PauseRow) -> Value {
    json!({
        "id": row.id,
        "scope": row.scope.to_string(),
        "reason": row.reason,
        "createdBy": row.created_by,
        "createdAt": row.created_at,
        "expiresAt": row.expires_at,
        "ended": row.ended,
    })
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
fn view(app: &App, row: &PauseRow, now: Timestamp) -> PauseView {
    let (ended, status) = (row.ended.as_ref(), status(row, now));
    let held = (status == "active").then(|| app.engine.held_by(&row.pause()));
    PauseView {
        id: row.id,
        status,
        scope: row.scope.to_string(),
        reason: row.reason.clone(),
        created_by: row.created_by.clone(),
        created_at: row.created_at.into(),
        expires_at: row.expires_at.map(At),
        ended_at: ended.map(|(at, _)| At(*at)),
        ended_by: ended.map(|(_, by)| by.clone()),
        holds: held.map(|held| Holds { workflows: held.workflows, schedules: held.schedules, agents: held.agents }),
    }
}
