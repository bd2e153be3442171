//! The mark of a database that is being restored: a table of its own, there before anything goes, and gone after everything is there.

use crate::columns::time;
use crate::rows::{Columns, FromRow, one};
use crate::sql::{plain, query};
use crate::{Error, faults};
use pulse_core::time::Timestamp;
use sqlx::AnyConnection;

/// A restore that has begun.
pub(super) struct Mark {
    since: Timestamp,
    /// The highest epoch of the leases that were there before.
    pub(super) epoch: i64,
}

impl FromRow for Mark {
    const TABLE: &'static str = "pulse_restoring";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self { since: Timestamp(row.get("since_at")?), epoch: row.get("epoch")? })
    }
}

struct Epoch(i64);

impl FromRow for Epoch {
    const TABLE: &'static str = "leases";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self(row.get("epoch")?))
    }
}

/// A table that may not be there counts as empty.
async fn or_none<T: FromRow>(connection: &mut AnyConnection, select: &'static str) -> Result<Option<T>, Error> {
    match one::<T>(connection, query(select)).await {
        Err(Error::Database(error)) if faults::is_missing_table(&error) => Ok(None),
        found => found,
    }
}

/// The mark, where there is one.
pub(super) async fn find(connection: &mut AnyConnection) -> Result<Option<Mark>, Error> {
    or_none(connection, "SELECT since_at, epoch FROM pulse_restoring ORDER BY since_at DESC LIMIT 1").await
}

/// Half a database is none.
pub(crate) async fn refuse_half_restored(connection: &mut AnyConnection) -> Result<(), Error> {
    match find(connection).await? {
        Some(mark) => Err(Error::HalfRestored { since: mark.since.to_string() }),
        None => Ok(()),
    }
}

/// The highest epoch that leases of this database ever had.
pub(super) async fn highest_epoch(connection: &mut AnyConnection) -> Result<i64, Error> {
    let highest = or_none::<Epoch>(connection, "SELECT COALESCE(MAX(epoch), 0) AS epoch FROM leases").await?;
    Ok(highest.map_or(0, |Epoch(epoch)| epoch))
}

/// Sets the mark. One that is there stays, with what it remembers.
pub(super) async fn set(connection: &mut AnyConnection, now: Timestamp) -> Result<i64, Error> {
    let before = find(connection).await?.map_or(0, |mark| mark.epoch);
    let epoch = before.max(highest_epoch(connection).await?);
    plain(connection, "CREATE TABLE IF NOT EXISTS pulse_restoring (since_at BIGINT NOT NULL, epoch BIGINT NOT NULL)").await?;
    let insert = query("INSERT INTO pulse_restoring (since_at, epoch) VALUES (?, ?)").bind(time(now)).bind(epoch);
    insert.execute(connection).await?;
    Ok(epoch)
}

/// Takes the mark away: the last thing that a restore does.
pub(super) async fn clear(connection: &mut AnyConnection) -> Result<(), Error> {
    plain(connection, "DROP TABLE pulse_restoring").await?;
    Ok(())
}
