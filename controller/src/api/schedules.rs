//! Live schedules: their manifest, what comes next, and what became of their slots.

use super::caller::Caller;
use super::extract::{Parameters, Segment};
use super::list::{PageQuery, SourceQuery, key, limit, of_page, page};
use super::time::{optional, rfc3339};
use super::workflows::{Commits, manifest, observed_commits, origin, readable};
use super::{App, Problem, sight};
use crate::engine::LiveSchedule;
use axum::extract::State;
use axum::response::Json;
use crd_schemas::{Kind, Manifest};
use pulse_core::Timestamp;
use pulse_core::pause::Pause;
use pulse_core::schedule::{CompiledSchedule, Upcoming};
use pulse_protocol::ExecutionId;
use pulse_store::{Definition, RowError, ScheduleRow, SlotRow};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// `GET /api/v1/schedules`.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(query): Parameters<PageQuery>,
) -> Result<Json<Value>, Problem> {
    let rows = readable(app.engine.store().definitions(Kind::Schedule).await?);
    let all = rows.filter(|one| caller.sees(&sight::object_of(one))).map(|definition| (key(&definition), definition));
    let (definitions, next) = of_page(all.collect(), &query)?;
    Ok(Json(page(views(&app, definitions).await?, next)))
}

/// `GET /api/v1/schedules/{name}`.
pub(super) async fn one(
    State(app): State<App>,
    Segment(name): Segment,
    caller: Caller,
    Parameters(query): Parameters<SourceQuery>,
) -> Result<Json<Value>, Problem> {
    let rows = readable(app.engine.store().named(Kind::Schedule, &name).await?);
    let found = query.only(rows.filter(|one| caller.sees(&sight::object_of(one))))?;
    let found = found.ok_or_else(|| no_such_schedule(&name))?;
    views(&app, vec![found]).await?.pop().map(Json).ok_or_else(|| no_such_schedule(&name))
}

/// The parameters of a list of slots.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotsQuery {
    source: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET /api/v1/schedules/{name}/slots`: what became of them, newest first. Those of a retired schedule are found with its source.
pub(super) async fn slots(
    State(app): State<App>,
    Segment(name): Segment,
    caller: Caller,
    Parameters(query): Parameters<SlotsQuery>,
) -> Result<Json<Value>, Problem> {
    let wrong = |_| Problem::parameter("cursor", "it is not the `nextCursor` of a page before");
    let before = query.cursor.map(|cursor| cursor.parse::<i64>().map(Timestamp)).transpose().map_err(wrong)?;
    let (limit, store) = (limit(query.limit)?, app.engine.store());
    let source = match query.source {
        Some(source) => store.definition(&source, Kind::Schedule, &name).await?,
        None => SourceQuery::default().only(readable(store.named(Kind::Schedule, &name).await?))?,
    };
    let seen = source.filter(|one| caller.sees(&sight::object_of(one)));
    let source = seen.ok_or_else(|| no_such_schedule(&name))?.source;
    let mut rows = store.slots(&source, &name, limit + 1, before).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = if more { rows.last().and_then(cursor) } else { None };
    let names = names(&app, rows.iter().flatten().filter_map(|row| row.settled.outcome.execution())).await?;
    let items = rows.into_iter().map(|row| match row {
        Ok(row) => slot(&row, &names),
        // One bad row must not hide the others, nor look as if it did not exist.
        Err(error) => json!({ "outcome": "unreadable", "message": error.to_string() }),
    });
    Ok(Json(page(items.collect(), next)))
}

/// Where the page after a row begins; also after one that cannot be read, whose key ends with its slot.
fn cursor(row: &Result<SlotRow, RowError>) -> Option<String> {
    match row {
        Ok(row) => Some(row.settled.slot.0.to_string()),
        Err(error) => Some(error.key.as_deref()?.rsplit_once('/')?.1.to_owned()),
    }
}

fn no_such_schedule(name: &str) -> Problem {
    Problem::not_found("no_such_schedule", format!("no schedule `{name}` is live"))
}

/// The names of executions, by id.
type Names = HashMap<ExecutionId, String>;

async fn names(app: &App, ids: impl Iterator<Item = ExecutionId>) -> Result<Names, Problem> {
    let rows = app.engine.store().executions_of(&ids.collect::<Vec<_>>()).await?;
    Ok(rows.into_iter().flatten().map(|row| (row.id, format!("{}#{}", row.workflow, row.number))).collect())
}

async fn views(app: &App, definitions: Vec<Definition>) -> Result<Vec<Value>, Problem> {
    let (commits, store) = (observed_commits(app).await?, app.engine.store());
    let keys: Vec<_> = definitions.iter().map(|one| (one.source.clone(), one.manifest.metadata().name.clone())).collect();
    let last = store.last_slots(&keys).await?.into_iter().flatten();
    let last: HashMap<_, _> = last.map(|row| ((row.source.clone(), row.schedule.clone()), row)).collect();
    let mut rows = HashMap::new();
    for (source, name) in &keys {
        if let Some(row) = store.schedule(source, name).await? {
            rows.insert((source.clone(), name.clone()), row);
        }
    }
    let started = last.values().filter_map(|row| row.settled.outcome.execution());
    let fired = rows.values().filter_map(|row: &ScheduleRow| row.fired.map(|fired| fired.execution));
    let names = names(app, started.chain(fired)).await?;
    let mut views = Vec::new();
    for (definition, key) in definitions.into_iter().zip(&keys) {
        views.push(view(app, definition, &commits, rows.get(key), last.get(key), &names).await?);
    }
    Ok(views)
}

async fn view(
    app: &App,
    definition: Definition,
    commits: &Commits,
    row: Option<&ScheduleRow>,
    last: Option<&SlotRow>,
    names: &Names,
) -> Result<Value, Problem> {
    let mut status = origin(&definition, commits);
    let said = definition.manifest.clone();
    let Manifest::Schedule(schedule) = definition.manifest else { return Ok(manifest(&said, status)) };
    let (source, commit, path) = (definition.source, definition.commit, definition.path);
    let live = LiveSchedule::new(source, commit, path, definition.digest, schedule, definition.files);
    let stands = app.schedules.status(&live, row).await?;
    let compiled = live.compiled.as_ref();
    let next = |upcoming: &Upcoming| compiled.ok().map(|compiled| upcoming_slot(compiled, *upcoming));
    let open = stands.open.iter().map(|open| json!({ "id": open.id, "name": open.name }));
    let fields = [
        ("conditions", json!([ready(compiled)])),
        ("suspended", json!(stands.resting.is_some())),
        ("suspendedBy", json!(stands.resting.as_ref().map(|resting| resting.word()))),
        ("pause", json!(stands.pause.as_ref().map(pause))),
        ("waitsFor", json!(stands.waiting)),
        ("when", json!(compiled.ok().map(|compiled| compiled.timing.describe()))),
        ("timeZone", json!(compiled.ok().and_then(|compiled| compiled.timing.time_zone()))),
        ("next", json!(stands.upcoming.iter().filter_map(next).collect::<Vec<_>>())),
        ("last", json!(last.map(|row| slot(row, names)))),
        (
            "lastFired",
            json!(stands.fired.map(|fired| json!({
                "slot": rfc3339(fired.slot), "at": rfc3339(fired.at),
                "execution": { "id": fired.execution, "name": names.get(&fired.execution) },
            }))),
        ),
        ("open", json!(open.collect::<Vec<_>>())),
        ("settledUntil", json!(optional(stands.settled_until))),
    ];
    fields.into_iter().for_each(|(name, value)| status[name] = value);
    Ok(manifest(&said, status))
}

/// The pause that holds it.
fn pause(pause: &Pause) -> Value {
    json!({
        "id": pause.id, "scope": pause.scope.to_string(), "by": pause.by, "reason": pause.reason,
        "since": rfc3339(pause.since), "until": optional(pause.expires_at),
    })
}

/// A slot that is to come: its nominal instant, when it fires, and that by the clocks of its zone.
fn upcoming_slot(compiled: &CompiledSchedule, upcoming: Upcoming) -> Value {
    json!({ "slot": rfc3339(upcoming.slot), "at": rfc3339(upcoming.at), "local": compiled.timing.local(upcoming.at) })
}

/// What became of a slot, or of a run of slots.
fn slot(row: &SlotRow, names: &Names) -> Value {
    let settled = &row.settled;
    let execution = settled.outcome.execution().map(|id| json!({ "id": id, "name": names.get(&id) }));
    json!({
        "slot": rfc3339(settled.slot),
        "lastSlot": rfc3339(settled.last),
        "slots": settled.slots,
        "outcome": settled.outcome.word(),
        "reason": settled.outcome.reason(),
        "message": Some(&settled.message).filter(|message| !message.is_empty()),
        "execution": execution,
        "decidedAt": rfc3339(row.decided_at),
    })
}

/// A schedule that an older release accepted may not be readable any more.
fn ready(compiled: Result<&CompiledSchedule, &String>) -> Value {
    match compiled {
        Ok(_) => json!({ "type": "Ready", "status": "True", "reason": "Compiled" }),
        Err(fault) => json!({ "type": "Ready", "status": "False", "reason": "Uncompilable", "message": fault }),
    }
}
