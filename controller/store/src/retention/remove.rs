//! Executions go: their rows and labels at once, with a note that the rest is still to go, and the snapshots that nobody else is pinned to.

use super::STEP;
use crate::columns::time;
use crate::labels;
use crate::sql::{Query, Shape, built, chunks, query, repeat};
use crate::transact::look_again;
use crate::{Error, Store};
use pulse_core::time::Timestamp;
use pulse_protocol::ExecutionId;
use pulse_protocol::failpoint::Act;
use sqlx::{AnyConnection, Row};
use std::collections::BTreeSet;

const NOTE: Shape = Shape::insert("INSERT INTO removals (execution, removed_at) VALUES", "(?,?)");
const LABELS: Shape = Shape {
    head: "DELETE FROM execution_labels WHERE",
    unit: "(label_key = ? AND label_value = ? AND execution = ?)",
    between: " OR ",
    tail: std::borrow::Cow::Borrowed(""),
};

impl Store {
    /// Removes those of these executions that are over and that nothing needs; answers how many. One step's worth at most.
    pub async fn remove_executions(&self, ids: &[ExecutionId], now: Timestamp) -> Result<u64, Error> {
        let ids: Vec<String> = ids.iter().take(STEP).map(ToString::to_string).collect();
        let ids = &ids;
        if ids.is_empty() {
            return Ok(0);
        }
        self.transact(Act::Retain, |connection, _| Box::pin(async move { self.remove(connection, ids, now).await }), look_again)
            .await
    }

    async fn remove(&self, connection: &mut AnyConnection, ids: &[String], now: Timestamp) -> Result<u64, Error> {
        let end = self.database.ground.dialect.for_update();
        let mut going = Vec::new();
        let select = among("SELECT id, snapshot, labels FROM executions WHERE terminal = 1 AND id", ids, end);
        for row in select.fetch_all(&mut *connection).await? {
            going.push((row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?, row.try_get::<String, _>(2)?));
        }
        let needed = needed(connection, ids, self.database.ground.dialect.for_share()).await?;
        going.retain(|(id, ..)| !needed.contains(id));
        let gone: Vec<String> = going.iter().map(|(id, ..)| id.clone()).collect();
        NOTE.run(connection, &gone, |query: Query, id| query.bind(id.clone()).bind(time(now))).await?;
        let labels: Vec<(String, String, String)> = going.iter().flat_map(|(id, _, document)| labels::of(id, document)).collect();
        let bind = |query: Query, (key, value, id): &(String, String, String)| {
            query.bind(key.clone()).bind(value.clone()).bind(id.clone())
        };
        LABELS.run(connection, &labels, bind).await?;
        if !gone.is_empty() {
            among("DELETE FROM executions WHERE id", &gone, "").execute(&mut *connection).await?;
        }
        let pinned: BTreeSet<String> = going.into_iter().map(|(_, snapshot, _)| snapshot).collect();
        self.drop_snapshots(connection, &pinned.into_iter().collect::<Vec<_>>()).await?;
        Ok(gone.len() as u64)
    }

    /// Those of these snapshots that no execution is pinned to. They are locked first: who starts an execution puts its snapshot in the same
    /// transaction, waits here, and finds it gone.
    async fn drop_snapshots(&self, connection: &mut AnyConnection, digests: &[String]) -> Result<(), Error> {
        if digests.is_empty() {
            return Ok(());
        }
        let dialect = &self.database.ground.dialect;
        among("SELECT digest FROM snapshots WHERE digest", digests, dialect.for_update()).fetch_all(&mut *connection).await?;
        let mut unused = Vec::new();
        for digest in digests {
            let select = format!("SELECT id FROM executions WHERE snapshot = ? LIMIT 1 {}", dialect.for_share());
            if built(select).bind(digest.clone()).fetch_optional(&mut *connection).await?.is_none() {
                unused.push(digest.clone());
            }
        }
        if !unused.is_empty() {
            among("DELETE FROM snapshots WHERE digest", &unused, "").execute(&mut *connection).await?;
        }
        Ok(())
    }
}

/// Those that an open attempt or a later execution needs, as of now.
async fn needed(connection: &mut AnyConnection, ids: &[String], end: &str) -> Result<BTreeSet<String>, Error> {
    let mut needed = BTreeSet::new();
    for select in [
        among("SELECT execution FROM attempts WHERE state = 'open' AND execution", ids, end),
        among("SELECT retry_of FROM executions WHERE retry_of", ids, end),
    ] {
        for row in select.fetch_all(&mut *connection).await? {
            needed.insert(row.try_get::<String, _>(0)?);
        }
    }
    Ok(needed)
}

/// A statement about those among these texts, which are few.
pub(super) fn among(head: &str, texts: &[String], end: &str) -> Query {
    let statement = built(format!("{head} IN ({}) {end}", repeat("?", ",", texts.len())));
    texts.iter().fold(statement, |statement, text| statement.bind(text.clone()))
}

/// The attempts of these executions, up to a number.
pub(super) async fn attempts(connection: &mut AnyConnection, executions: &[String], limit: i64) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for chunk in chunks(executions) {
        let select = among("SELECT attempt FROM attempts WHERE execution", chunk, "LIMIT ?").bind(limit);
        for row in select.fetch_all(&mut *connection).await? {
            found.push(row.try_get::<String, _>(0)?);
        }
    }
    Ok(found)
}

/// Pieces of the output of these attempts go, up to a number; answers how many.
pub(super) async fn pieces(connection: &mut AnyConnection, attempts: &[String], limit: i64) -> Result<u64, Error> {
    const PIECES: Shape = Shape {
        head: "DELETE FROM output WHERE",
        unit: "(attempt = ? AND stream = ? AND start_offset = ?)",
        between: " OR ",
        tail: std::borrow::Cow::Borrowed(""),
    };
    if attempts.is_empty() {
        return Ok(0);
    }
    let select = among("SELECT attempt, stream, start_offset FROM output WHERE attempt", attempts, "LIMIT ?").bind(limit);
    let mut keys = Vec::new();
    for row in select.fetch_all(&mut *connection).await? {
        keys.push((row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?, row.try_get::<i64, _>(2)?));
    }
    let bind = |query: Query, (attempt, stream, start): &(String, String, i64)| {
        query.bind(attempt.clone()).bind(stream.clone()).bind(*start)
    };
    Ok(PIECES.run(connection, &keys, bind).await?)
}

/// Rows of a table go by their ids, up to a number, where a condition with one time holds.
pub(super) async fn by_id(
    connection: &mut AnyConnection,
    select: &'static str,
    delete: &str,
    before: Timestamp,
    limit: i64,
) -> Result<u64, Error> {
    let rows = query(select).bind(time(before)).bind(limit).fetch_all(&mut *connection).await?;
    let ids = rows.iter().map(|row| row.try_get::<String, _>(0)).collect::<Result<Vec<_>, _>>()?;
    if ids.is_empty() {
        return Ok(0);
    }
    Ok(among(delete, &ids, "").execute(&mut *connection).await?.rows_affected())
}
