//! Rows are written: with what they are about, by whoever writes that; or by themselves.

use super::row::{VALUES, check, details, values};
use crate::columns::Word;
use crate::dialect::Dialect;
use crate::rows::{Columns, FromRow, one};
use crate::sql::{Query, Shape, query};
use crate::statement::Statement;
use crate::transact::look_again;
use crate::{Error, Store};
use pulse_core::audit::{Outcome, Record};
use pulse_protocol::failpoint::Act;
use serde_json::json;
use sqlx::AnyConnection;
use uuid::Uuid;

/// What is written of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditWrite {
    /// A row. Where there is one of its id, that one stays.
    Row(Record),
    /// The end of a row that was `begun`.
    End {
        /// The whole row.
        record: Record,
        /// The id of a second row that says it, where the first one was given up as `unknown` meanwhile.
        late: Uuid,
    },
}

impl AuditWrite {
    const fn record(&self) -> &Record {
        match self {
            Self::Row(record) | Self::End { record, .. } => record,
        }
    }
}

const ROWS: Shape = Shape::insert(
    "INSERT INTO audit (id, happened_at, principal, principal_kind, means, peer, request_id, action, object_kind, object_id, \
     outcome, status, code, before_digest, after_digest, details) VALUES",
    VALUES,
);

impl Store {
    /// Writes rows, all or none. Doing so twice is doing it once.
    pub async fn audit(&self, writes: &[AuditWrite]) -> Result<(), Error> {
        writes.iter().try_for_each(|write| check(write.record()))?;
        let rows: &Vec<&Record> =
            &writes.iter().filter_map(|write| if let AuditWrite::Row(record) = write { Some(record) } else { None }).collect();
        let dialect = &self.database.ground.dialect;
        self.transact(
            Act::Audit,
            |connection, _| {
                Box::pin(async move {
                    insert(dialect, connection, rows).await?;
                    for write in writes {
                        if let AuditWrite::End { record, late } = write {
                            end(dialect, connection, record, *late).await?;
                        }
                    }
                    Ok::<_, Error>(())
                })
            },
            look_again,
        )
        .await?;
        self.database.audited.notify_one();
        Ok(())
    }

    /// Waits until a row is written that is not sealed yet, as far as this controller knows.
    pub async fn audited(&self) {
        self.database.audited.notified().await;
    }
}

/// Rows. One that is there stays.
pub(crate) fn statements<'a>(dialect: &Dialect, rows: impl Iterator<Item = &'a Record>) -> Vec<Statement<'a>> {
    Statement::of_rows(&dialect.or_ignore(ROWS, "id"), rows, values)
}

/// Writes rows inside a transaction. One that is there stays.
pub(crate) async fn insert(dialect: &Dialect, connection: &mut AnyConnection, rows: &[&Record]) -> Result<(), sqlx::Error> {
    for statement in statements(dialect, rows.iter().copied()) {
        statement.bound().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Ends a row that was begun. One that was given up meanwhile stays, and another one says what came of it after all.
async fn end(dialect: &Dialect, connection: &mut AnyConnection, record: &Record, late: Uuid) -> Result<(), Error> {
    if update(record).execute(&mut *connection).await?.rows_affected() == 1 {
        return Ok(());
    }
    let select = query("SELECT outcome FROM audit WHERE id = ?").bind(record.id.to_string());
    let given_up = one::<Stands>(connection, select).await?.is_some_and(|Stands(outcome)| outcome == Outcome::Unknown);
    if !given_up {
        // It is ended, by a try whose answer was lost; or it is gone, and comes back.
        return Ok(insert(dialect, connection, &[record]).await?);
    }
    if record.outcome == Outcome::Unknown {
        return Ok(());
    }
    let mut second = Record { id: late, ..record.clone() };
    second.details.insert("follows".to_owned(), json!(record.id));
    Ok(insert(dialect, connection, &[&second]).await?)
}

fn update(record: &Record) -> Query {
    let object = record.object.as_ref();
    let update = query(
        "UPDATE audit SET object_kind = ?, object_id = ?, outcome = ?, status = ?, code = ?, before_digest = ?, after_digest = ?, \
         details = ? WHERE id = ? AND outcome = 'begun' AND seq IS NULL",
    );
    update
        .bind(object.map(|object| object.kind.clone()))
        .bind(object.map(|object| object.id.clone()))
        .bind(record.outcome.word())
        .bind(record.status.and_then(|status| i16::try_from(status).ok()))
        .bind(record.code.clone())
        .bind(record.before.clone())
        .bind(record.after.clone())
        .bind(details(record))
        .bind(record.id.to_string())
}

/// How a row stands.
struct Stands(Outcome);

impl FromRow for Stands {
    const TABLE: &'static str = "audit";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Outcome::from_word(&row.get::<String>("outcome")?).map(Self).map_err(|error| error.to_string())
    }
}
