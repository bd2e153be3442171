//! The statements of a batch, and what each of their conflicts means.

use super::WriteError;
use super::item::{Prepared, WriteItem};
use crate::attempts::{AttemptState, Holder};
use crate::columns::{Word, time_option};
use crate::dialect::{Dialect, UPSERT_EXECUTION};
use crate::idempotency::{IdempotencyRow, select_key};
use crate::open::Database;
use crate::rows::one;
use crate::schedules::{self, Advance};
use crate::sql::{Shape, query};
use crate::statement::{self, Conflict, Refused, Statement, Value};
use crate::{audit, labels, prompts};
use pulse_protocol::planted::{self, Bug};
use sqlx::AnyConnection;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

const EVENTS: Shape =
    Shape::insert("INSERT INTO events (execution, seq, happened_at, version, kind, body) VALUES", "(?,?,?,?,?,?)");
const EXECUTIONS: Shape = Shape::insert(
    "INSERT INTO executions (id, part, source, workflow, number, status, terminal, commit_id, snapshot, started_by, schedule, created_at, \
     started_at, ended_at, wake_at, message, seq, prior_seq, waits, retry_of, labels, revision) VALUES",
    "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,1)",
);
/// Values of a row of EXECUTIONS.
const COLUMNS: usize = 21;
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

/// Writes all of the items, each execution at most once, in a transaction that begins here.
pub(super) async fn write(database: &Database, connection: &mut AnyConnection, items: &[&Prepared]) -> Result<(), Refused> {
    statement::run(&database.ground.dialect, connection, statements(database, items)).await
}

/// What is written. In this order, so that the first conflict says what is wrong: the leases before everything else, and what fires before
/// what it starts, so that a slot that somebody else has settled is known as that.
fn statements<'a>(database: &'a Database, items: &[&'a Prepared]) -> Vec<Statement<'a>> {
    let dialect = &database.ground.dialect;
    let parts: Vec<u8> = items.iter().map(|item| item.part).collect::<BTreeSet<_>>().into_iter().collect();
    let advances: Vec<&Advance> = items.iter().filter_map(|item| item.item.advance.as_ref()).collect();
    let (new, known): (Vec<&Prepared>, Vec<&Prepared>) = items.iter().copied().partition(|item| item.is_new());
    let written: Vec<&WriteItem> = items.iter().map(|item| &item.item).collect();
    let mut all = vec![Statement::new(dialect.begin_write(), Vec::new()), database.leases.fence(dialect, &parts)];
    all.extend(schedules::steps(dialect, &advances));
    all.extend(events(items));
    all.extend(first_rows(dialect, &written));
    all.extend(claims(dialect, items));
    all.extend(executions(dialect, &new, &known));
    all.extend(labels::insert(new.iter().map(|item| &item.item.summary)).into_iter().map(stale_if_taken));
    all.extend(attempts(items));
    // One that is asked twice, or is not open any more, says that the caller's picture is old.
    all.extend(prompts::open(&written));
    all.extend(prompts::close(&written));
    all.extend(audit::statements(dialect, written.iter().flat_map(|item| &item.audit)));
    all
}

fn stale_if_taken(statement: Statement<'_>) -> Statement<'_> {
    statement.taken_as(Conflict::Stale)
}

fn events<'a>(items: &[&'a Prepared]) -> Vec<Statement<'a>> {
    let rows = items.iter().flat_map(|item| &item.events);
    let inserted = Statement::of_rows(&EVENTS, rows, |row| {
        [
            (&row.execution).into(),
            row.seq.into(),
            row.at.into(),
            i64::from(row.version).into(),
            (&row.kind).into(),
            (&row.body).into(),
        ]
    });
    inserted.into_iter().map(stale_if_taken).collect()
}

/// What goes with a first event: snapshot and idempotency key.
fn first_rows<'a>(dialect: &Dialect, items: &[&'a WriteItem]) -> Vec<Statement<'a>> {
    let snapshots: BTreeMap<&str, &str> =
        items.iter().filter_map(|item| item.snapshot.as_ref()).map(|(digest, body)| (digest.as_str(), &**body)).collect();
    let shape = dialect.or_ignore(SNAPSHOTS, "digest");
    let mut all = Statement::of_rows(&shape, snapshots, |(digest, body)| [digest.into(), body.into()]);
    let keys = items.iter().filter_map(|item| item.idempotency.as_ref());
    let keys = Statement::of_rows(&IDEMPOTENCY, keys, |row| {
        [
            (&row.principal).into(),
            (&row.key).into(),
            (&row.body_digest).into(),
            row.execution.to_string().into(),
            row.created_at.0.into(),
        ]
    });
    all.extend(keys.into_iter().map(|statement| statement.taken_as(Conflict::Idempotency)));
    all
}

fn claims<'a>(dialect: &Dialect, items: &[&'a Prepared]) -> Vec<Statement<'a>> {
    let released = items.iter().flat_map(|item| item.item.release.iter().map(|key| (key, &item.id)));
    let mut all = Statement::of_rows(&RELEASE, released, |(key, id)| [key.into(), id.into()]);
    let taken = items.iter().flat_map(|item| item.item.take.iter().map(|key| (key, *item)));
    let take = if planted::is(Bug::ClaimTwice) { dialect.or_ignore(TAKE, "claim_key") } else { TAKE };
    let taken = Statement::of_rows(&take, taken, |(key, item)| [key.into(), (&item.id).into(), i64::from(item.part).into()]);
    all.extend(taken.into_iter().map(|statement| statement.taken_as(Conflict::Claim)));
    all
}

fn executions<'a>(dialect: &Dialect, new: &[&'a Prepared], known: &[&'a Prepared]) -> Vec<Statement<'a>> {
    let mut all = Statement::of_rows(&EXECUTIONS, new.iter().copied(), row);
    all = all.into_iter().map(|statement| statement.taken_as(Conflict::Number)).collect();
    let upsert = dialect.upsert(EXECUTIONS, &UPSERT_EXECUTION);
    all.extend(Statement::of_rows(&upsert, known.iter().copied(), row).into_iter().map(|statement| {
        let touched = dialect.touched_by_upsert(statement.values() / COLUMNS);
        stale_if_taken(statement).touching(touched, Conflict::Stale)
    }));
    all
}

fn row(item: &Prepared) -> [Value<'_>; COLUMNS] {
    let summary = &item.item.summary;
    [
        (&item.id).into(),
        i64::from(item.part).into(),
        (&summary.source).into(),
        (&summary.workflow).into(),
        summary.number.into(),
        summary.status.into(),
        i64::from(summary.terminal).into(),
        (&summary.commit).into(),
        (&summary.snapshot).into(),
        (&summary.started_by).into(),
        summary.schedule.as_ref().into(),
        summary.created_at.0.into(),
        time_option(summary.started_at).into(),
        time_option(summary.ended_at).into(),
        time_option(summary.wake_at).into(),
        summary.message.as_ref().into(),
        i64::from(summary.seq).into(),
        item.prior_seq.into(),
        summary.waits.map(Word::word).into(),
        summary.retry_of.map(|id| id.to_string()).into(),
        labels::document(&summary.labels).into(),
    ]
}

fn attempts<'a>(items: &[&'a Prepared]) -> Vec<Statement<'a>> {
    debug_assert_eq!((AttemptState::Open.word(), AttemptState::Closed.word()), ("open", "closed"));
    let opened = items.iter().flat_map(|item| item.item.attempts_opened.iter().map(|row| (row, &item.id)));
    let opened = Statement::of_rows(&OPEN, opened, |(row, execution)| {
        [row.attempt.to_string().into(), execution.into(), row.agent.as_str().into(), row.incarnation.to_string().into()]
    });
    let closed = items.iter().flat_map(|item| &item.item.attempts_closed);
    let closed = Statement::of_rows(&CLOSE, closed, |attempt| [attempt.to_string().into()]);
    opened.into_iter().map(stale_if_taken).chain(closed).collect()
}

/// Says for one item, still inside the transaction that failed, what exactly stood in its way.
pub(super) async fn explain(connection: &mut AnyConnection, item: &Prepared, conflict: Conflict) -> WriteError {
    let explained = match conflict {
        Conflict::Fenced => Ok(WriteError::Fenced { partition: item.part }),
        Conflict::Stale => Ok(WriteError::Stale { execution: item.item.execution }),
        Conflict::Number => {
            let summary = &item.item.summary;
            Ok(WriteError::NumberTaken { workflow: summary.workflow.clone(), number: summary.number })
        }
        Conflict::Schedule => Ok(of_schedule(item, |source_name, schedule| WriteError::ScheduleMoved { source_name, schedule })),
        Conflict::Slot => Ok(of_schedule(item, |source_name, schedule| WriteError::SlotTaken { source_name, schedule })),
        Conflict::Idempotency => idempotency_holder(connection, item).await,
        Conflict::Claim => claim_holder(connection, item).await,
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
