//! The statements of a batch, and what each of their conflicts means.

use super::WriteError;
use super::item::{Prepared, WriteItem};
use crate::attempts::{AttemptState, Holder};
use crate::audit;
use crate::columns::{Word, time_option};
use crate::dialect::UPSERT_EXECUTION;
use crate::idempotency::{IdempotencyRow, select_key};
use crate::labels;
use crate::open::Database;
use crate::rows::one;
use crate::schedules::{Advance, AdvanceError, go_on};
use crate::slots;
use crate::sql::{Query, Shape, is_taken, query};
use pulse_protocol::planted::{self, Bug};
use sqlx::AnyConnection;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Why a batch was not written.
#[derive(Debug)]
pub(super) enum Refused {
    /// A lease is no longer this controller's.
    Fenced,
    /// An event of this sequence exists, the row has gone on, or a prompt is not open any more.
    Stale,
    /// An idempotency key exists.
    Idempotency,
    /// A claim is held.
    Claim,
    /// A number is taken.
    Number,
    /// A schedule's row has gone on.
    Schedule,
    /// A slot is settled.
    Slot,
    /// The database said no, or is away.
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

const EVENTS: Shape =
    Shape::insert("INSERT INTO events (execution, seq, happened_at, version, kind, body) VALUES", "(?,?,?,?,?,?)");
const EXECUTIONS: Shape = Shape::insert(
    "INSERT INTO executions (id, part, source, workflow, number, status, terminal, commit_id, snapshot, started_by, schedule, created_at, \
     started_at, ended_at, wake_at, message, seq, prior_seq, waits, retry_of, labels, revision) VALUES",
    "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,1)",
);
const SNAPSHOTS: Shape = Shape::insert("INSERT INTO snapshots (digest, body) VALUES", "(?,?)");
const IDEMPOTENCY: Shape =
    Shape::insert("INSERT INTO idempotency (principal, idem_key, body_digest, execution, created_at) VALUES", "(?,?,?,?,?)");
const TAKE: Shape = Shape::insert("INSERT INTO claims (claim_key, execution, part) VALUES", "(?,?,?)");
const RELEASE: Shape = Shape {
    head: "DELETE FROM claims WHERE",
    unit: "(claim_key = ? AND execution = ?)",
    between: " OR ",
    tail: Cow::Borrowed(""),
};
const OPEN: Shape =
    Shape::insert("INSERT INTO attempts (attempt, execution, agent, incarnation, state) VALUES", "(?,?,?,?,'open')");
const CLOSE: Shape =
    Shape { head: "UPDATE attempts SET state = 'closed' WHERE attempt IN (", unit: "?", between: ",", tail: Cow::Borrowed(")") };

/// Writes all of the items, each execution at most once, inside a transaction.
pub(super) async fn write(database: &Database, connection: &mut AnyConnection, items: &[&Prepared]) -> Result<(), Refused> {
    let parts: Vec<u8> = items.iter().map(|item| item.part).collect::<BTreeSet<_>>().into_iter().collect();
    if !database.leases.hold(&database.ground.dialect, connection, &parts).await? {
        return Err(Refused::Fenced);
    }
    schedules(connection, items).await?;
    events(connection, items).await?;
    first_rows(database, connection, items).await?;
    claims(database, connection, items).await?;
    executions(database, connection, items).await?;
    let new: Vec<_> = items.iter().filter(|item| item.is_new()).map(|item| &item.item.summary).collect();
    labels::insert(connection, &new).await.map_err(taken_as(Refused::Stale))?;
    attempts(connection, items).await?;
    prompts(connection, items).await?;
    let audited: Vec<_> = items.iter().flat_map(|item| &item.item.audit).collect();
    Ok(audit::insert(&database.ground.dialect, connection, &audited).await?)
}

/// What fires. Before everything else, so that a slot that somebody else has settled is known as that.
async fn schedules(connection: &mut AnyConnection, items: &[&Prepared]) -> Result<(), Refused> {
    let advances: Vec<&Advance> = items.iter().filter_map(|item| item.item.advance.as_ref()).collect();
    for advance in &advances {
        go_on(connection, advance).await.map_err(|error| match error {
            AdvanceError::Store(crate::Error::Database(error)) => Refused::Database(error),
            _ => Refused::Schedule,
        })?;
    }
    slots::insert(connection, &advances).await.map_err(taken_as(Refused::Slot))
}

async fn events(connection: &mut AnyConnection, items: &[&Prepared]) -> Result<(), Refused> {
    let rows: Vec<_> = items.iter().flat_map(|item| &item.events).collect();
    let bind = |query: Query, row: &&super::item::EventRow| {
        let query = query.bind(row.execution.clone()).bind(row.seq).bind(row.at).bind(row.version);
        query.bind(row.kind.clone()).bind(row.body.clone())
    };
    EVENTS.run_sized(connection, &rows, |row| row.body.len(), bind).await.map_err(taken_as(Refused::Stale))?;
    Ok(())
}

/// What goes with a first event: snapshot and idempotency key.
async fn first_rows(database: &Database, connection: &mut AnyConnection, items: &[&Prepared]) -> Result<(), Refused> {
    let snapshots: BTreeMap<_, _> = items.iter().filter_map(|item| item.item.snapshot.as_ref()).map(|(d, b)| (d, b)).collect();
    let snapshots: Vec<_> = snapshots.into_iter().collect();
    let bind = |query: Query, (digest, body): &(&String, &Arc<str>)| query.bind((*digest).clone()).bind(body.to_string());
    database
        .ground
        .dialect
        .or_ignore(SNAPSHOTS, "digest")
        .run_sized(connection, &snapshots, |(_, body)| body.len(), bind)
        .await?;
    let keys: Vec<_> = items.iter().filter_map(|item| item.item.idempotency.as_ref()).collect();
    let bind = |query: Query, row: &&IdempotencyRow| {
        let query = query.bind(row.principal.clone()).bind(row.key.clone()).bind(row.body_digest.clone());
        query.bind(row.execution.to_string()).bind(row.created_at.0)
    };
    IDEMPOTENCY.run(connection, &keys, bind).await.map_err(taken_as(Refused::Idempotency))?;
    Ok(())
}

async fn claims(database: &Database, connection: &mut AnyConnection, items: &[&Prepared]) -> Result<(), Refused> {
    let released: Vec<_> = items.iter().flat_map(|item| item.item.release.iter().map(move |key| (key, *item))).collect();
    let bind = |query: Query, (key, item): &(&String, &Prepared)| query.bind((*key).clone()).bind(item.id.clone());
    RELEASE.run(connection, &released, bind).await?;
    let taken: Vec<_> = items.iter().flat_map(|item| item.item.take.iter().map(move |key| (key, *item))).collect();
    let bind = |query: Query, (key, item): &(&String, &Prepared)| {
        query.bind((*key).clone()).bind(item.id.clone()).bind(i16::from(item.part))
    };
    let take = if planted::is(Bug::ClaimTwice) { database.ground.dialect.or_ignore(TAKE, "claim_key") } else { TAKE };
    take.run(connection, &taken, bind).await.map_err(taken_as(Refused::Claim))?;
    Ok(())
}

async fn executions(database: &Database, connection: &mut AnyConnection, items: &[&Prepared]) -> Result<(), Refused> {
    let (new, known): (Vec<&Prepared>, Vec<&Prepared>) = items.iter().copied().partition(|item| item.is_new());
    EXECUTIONS.run(connection, &new, bind_summary).await.map_err(taken_as(Refused::Number))?;
    let dialect = &database.ground.dialect;
    let touched = dialect.upsert(EXECUTIONS, &UPSERT_EXECUTION).run(connection, &known, bind_summary).await;
    let touched = touched.map_err(taken_as(Refused::Stale))?;
    if dialect.applied_to_all(touched, known.len()) { Ok(()) } else { Err(Refused::Stale) }
}

fn bind_summary(query: Query, item: &&Prepared) -> Query {
    let summary = &item.item.summary;
    query
        .bind(item.id.clone())
        .bind(i16::from(item.part))
        .bind(summary.source.clone())
        .bind(summary.workflow.clone())
        .bind(summary.number)
        .bind(summary.status)
        .bind(i16::from(summary.terminal))
        .bind(summary.commit.clone())
        .bind(summary.snapshot.clone())
        .bind(summary.started_by.clone())
        .bind(summary.schedule.clone())
        .bind(summary.created_at.0)
        .bind(time_option(summary.started_at))
        .bind(time_option(summary.ended_at))
        .bind(time_option(summary.wake_at))
        .bind(summary.message.clone())
        .bind(i64::from(summary.seq))
        .bind(item.prior_seq)
        .bind(summary.waits.map(Word::word))
        .bind(summary.retry_of.map(|id| id.to_string()))
        .bind(labels::document(&summary.labels))
}

/// One that is asked twice, or is not open any more, says that the caller's picture is old.
async fn prompts(connection: &mut AnyConnection, items: &[&Prepared]) -> Result<(), Refused> {
    let items: Vec<&WriteItem> = items.iter().map(|item| &item.item).collect();
    crate::prompts::open(connection, &items).await.map_err(taken_as(Refused::Stale))?;
    if crate::prompts::close(connection, &items).await? { Ok(()) } else { Err(Refused::Stale) }
}

async fn attempts(connection: &mut AnyConnection, items: &[&Prepared]) -> Result<(), Refused> {
    let opened: Vec<_> = items.iter().flat_map(|item| item.item.attempts_opened.iter().map(move |row| (row, &item.id))).collect();
    let bind = |query: Query, (row, execution): &(&crate::AttemptRow, &String)| {
        let query = query.bind(row.attempt.to_string()).bind((*execution).clone());
        query.bind(row.agent.as_str().to_owned()).bind(row.incarnation.to_string())
    };
    debug_assert_eq!((AttemptState::Open.word(), AttemptState::Closed.word()), ("open", "closed"));
    OPEN.run(connection, &opened, bind).await.map_err(taken_as(Refused::Stale))?;
    let closed: Vec<_> = items.iter().flat_map(|item| &item.item.attempts_closed).collect();
    CLOSE.run(connection, &closed, |query: Query, attempt| query.bind(attempt.to_string())).await?;
    Ok(())
}

/// A unique key that exists means this; any other error is the database's.
fn taken_as(refused: Refused) -> impl FnOnce(sqlx::Error) -> Refused {
    move |error| if is_taken(&error) { refused } else { Refused::Database(error) }
}

/// Says for one item, still inside the transaction that failed, what exactly stood in its way.
pub(super) async fn explain(connection: &mut AnyConnection, item: &Prepared, refused: Refused) -> WriteError {
    let explained = match refused {
        Refused::Fenced => Ok(WriteError::Fenced { partition: item.part }),
        Refused::Stale => Ok(WriteError::Stale { execution: item.item.execution }),
        Refused::Number => {
            let summary = &item.item.summary;
            Ok(WriteError::NumberTaken { workflow: summary.workflow.clone(), number: summary.number })
        }
        Refused::Schedule => Ok(of_schedule(item, |source_name, schedule| WriteError::ScheduleMoved { source_name, schedule })),
        Refused::Slot => Ok(of_schedule(item, |source_name, schedule| WriteError::SlotTaken { source_name, schedule })),
        Refused::Idempotency => idempotency_holder(connection, item).await,
        Refused::Claim => claim_holder(connection, item).await,
        Refused::Database(error) => Ok(error.into()),
    };
    explained.unwrap_or_else(|error| WriteError::Database { reason: error.to_string() })
}

fn of_schedule(item: &Prepared, error: impl FnOnce(String, String) -> WriteError) -> WriteError {
    match &item.item.advance {
        Some(advance) => error(advance.source.clone(), advance.name.clone()),
        None => WriteError::Stale { execution: item.item.execution },
    }
}

async fn idempotency_holder(connection: &mut AnyConnection, item: &Prepared) -> Result<WriteError, crate::Error> {
    let execution = item.item.execution;
    let Some(key) = &item.item.idempotency else { return Ok(WriteError::Stale { execution }) };
    let row: Option<IdempotencyRow> = one(connection, select_key(&key.principal, &key.key)).await?;
    Ok(row.map_or(WriteError::Stale { execution }, |row| WriteError::IdempotencyTaken {
        execution: row.execution,
        body_digest: row.body_digest,
    }))
}

/// Finds the first of the wanted claims that another execution holds. One that this execution holds itself means that the
/// caller's picture is old.
async fn claim_holder(connection: &mut AnyConnection, item: &Prepared) -> Result<WriteError, crate::Error> {
    for key in &item.item.take {
        let select = query("SELECT execution FROM claims WHERE claim_key = ? AND execution <> ?");
        let holder: Option<Holder> = one(connection, select.bind(key.clone()).bind(item.id.clone())).await?;
        if let Some(Holder(holder)) = holder {
            return Ok(WriteError::ClaimTaken { key: key.clone(), holder });
        }
    }
    Ok(WriteError::Stale { execution: item.item.execution })
}
