//! Live schedules: their manifest, what comes next, and what became of their slots.

use super::answers::{
    ExecutionRef, FiredSlot, HoldingPause, LastFired, Page, ReadyCondition, Row, ScheduleStatus, ScheduleView, SlotView,
    UnreadableSlot, UpcomingSlot,
};
use super::caller::Caller;
use super::extract::{Parameters, Segment};
use super::list::{PageQuery, SourceQuery, key, limit, of_page, page};
use super::reply::Object;
use super::time::At;
use super::workflows::{Commits, observed_commits, origin, readable};
use super::{App, Problem, sight};
use crate::engine::LiveSchedule;
use axum::extract::State;
use crd_schemas::{Kind, Manifest};
use pulse_core::Timestamp;
use pulse_core::pause::Pause;
use pulse_core::schedule::{CompiledSchedule, Upcoming};
use pulse_protocol::ExecutionId;
use pulse_store::{Definition, RowError, ScheduleRow, SlotRow};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashMap;

/// `GET /api/v1/schedules`.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(query): Parameters<PageQuery>,
) -> Result<Page<ScheduleView>, Problem> {
    let rows = readable(app.engine.store().definitions(Kind::Schedule).await?);
    let all = rows.filter(|one| caller.sees(&sight::object_of(one))).map(|definition| (key(&definition), definition));
    let (definitions, next) = of_page(all.collect(), &query)?;
    Ok(page(views(&app, definitions).await?, next))
}

/// `GET /api/v1/schedules/{name}`.
pub(super) async fn one(
    State(app): State<App>,
    Segment(name): Segment,
    caller: Caller,
    Parameters(query): Parameters<SourceQuery>,
) -> Result<Object<ScheduleView>, Problem> {
    let rows = readable(app.engine.store().named(Kind::Schedule, &name).await?);
    let found = query.only(rows.filter(|one| caller.sees(&sight::object_of(one))))?;
    let found = found.ok_or_else(|| no_such_schedule(&name))?;
    views(&app, vec![found]).await?.pop().map(Object).ok_or_else(|| no_such_schedule(&name))
}

/// The parameters of a list of slots.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotsQuery {
    /// The source that is meant; with it those of a retired schedule are found, too.
    source: Option<String>,
    /// Items of the page: 100 unless said, at most 500.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    limit: Option<u32>,
    /// The `nextCursor` of the page before.
    #[schemars(with = "Option<i64>")]
    cursor: Option<String>,
}

/// `GET /api/v1/schedules/{name}/slots`: what became of them, newest first. Those of a retired schedule are found with its source.
pub(super) async fn slots(
    State(app): State<App>,
    Segment(name): Segment,
    caller: Caller,
    Parameters(query): Parameters<SlotsQuery>,
) -> Result<Page<Row<SlotView, UnreadableSlot>>, Problem> {
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
        Ok(row) => Row::Read(slot(&row, &names)),
        Err(error) => Row::Unreadable(error.into()),
    });
    Ok(page(items, next))
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

async fn views(app: &App, definitions: Vec<Definition>) -> Result<Vec<ScheduleView>, Problem> {
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
        views.extend(view(app, definition, &commits, rows.get(key), last.get(key), &names).await?);
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
) -> Result<Option<ScheduleView>, Problem> {
    let origin = origin(&definition, commits);
    let Manifest::Schedule(schedule) = definition.manifest else { return Ok(None) };
    let (metadata, spec) = (schedule.metadata.clone(), schedule.spec.clone());
    let (source, commit, path) = (definition.source, definition.commit, definition.path);
    let live = LiveSchedule::new(source, commit, path, definition.digest, schedule, definition.files);
    let stands = app.schedules.status(&live, row).await?;
    let compiled = live.compiled.as_ref();
    let next = |upcoming: &Upcoming| compiled.ok().map(|compiled| upcoming_slot(compiled, *upcoming));
    let fired = |execution: ExecutionId| ExecutionRef { id: execution, name: names.get(&execution).cloned() };
    let status = ScheduleStatus {
        origin,
        conditions: [ReadyCondition::of(compiled.err().cloned())],
        suspended: stands.resting.is_some(),
        suspended_by: stands.resting.as_ref().map(|resting| resting.word()),
        pause: stands.pause.as_ref().map(pause),
        waits_for: stands.waiting,
        when: compiled.ok().map(|compiled| compiled.timing.describe()),
        time_zone: compiled.ok().and_then(|compiled| compiled.timing.time_zone()).map(Into::into),
        next: stands.upcoming.iter().filter_map(next).collect(),
        last: last.map(|row| slot(row, names)),
        last_fired: stands.fired.map(|last| LastFired {
            slot: last.slot.into(),
            at: last.at.into(),
            execution: fired(last.execution),
        }),
        open: stands.open.iter().map(|open| FiredSlot { id: open.id, name: open.name.clone() }).collect(),
        settled_until: stands.settled_until.map(At),
    };
    Ok(Some(ScheduleView::new(metadata, spec, status)))
}

/// The pause that holds it.
fn pause(pause: &Pause) -> HoldingPause {
    HoldingPause {
        id: pause.id.clone(),
        scope: pause.scope.to_string(),
        by: pause.by.clone(),
        reason: pause.reason.clone(),
        since: pause.since.into(),
        until: pause.expires_at.map(At),
    }
}

/// A slot that is to come: its nominal instant, when it fires, and that by the clocks of its zone.
fn upcoming_slot(compiled: &CompiledSchedule, upcoming: Upcoming) -> UpcomingSlot {
    UpcomingSlot { slot: upcoming.slot.into(), at: upcoming.at.into(), local: compiled.timing.local(upcoming.at) }
}

/// What became of a slot, or of a run of slots.
fn slot(row: &SlotRow, names: &Names) -> SlotView {
    let settled = &row.settled;
    let execution = settled.outcome.execution().map(|id| ExecutionRef { id, name: names.get(&id).cloned() });
    SlotView {
        slot: settled.slot.into(),
        last_slot: settled.last.into(),
        slots: settled.slots,
        outcome: settled.outcome.word(),
        reason: settled.outcome.reason(),
        message: Some(settled.message.clone()).filter(|message| !message.is_empty()),
        execution,
        decided_at: row.decided_at.into(),
    }
}
