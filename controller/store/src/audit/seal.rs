//! Rows get their place: one transaction gives the next numbers to what is complete and has none. Whoever does not hold the leases any
//! more seals nothing; and a number is unique, whatever else goes wrong.

use super::row::{CONTENT, place};
use crate::columns::time;
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{Query, built, query, repeat};
use crate::transact::look_again;
use crate::{Error, RowError, Store};
use pulse_core::audit::{Head, Link, Record};
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::Act;
use sqlx::AnyConnection;

/// Rows that one transaction seals.
const MOST: usize = 256;

/// What came of a look at what is not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedTo {
    /// The last row that was sealed before.
    pub from: Head,
    /// The last one that is sealed now.
    pub head: Head,
    /// There may be more to seal.
    pub more: bool,
}

impl Store {
    /// Seals what is complete, the oldest first, up to a bound. A row that is `begun` since before `given_up` becomes `unknown`: whoever
    /// began it does not end it any more, or not soon.
    pub async fn seal_audit(&self, given_up: Timestamp) -> Result<SealedTo, Error> {
        let end = self.database.ground.dialect.for_update();
        self.transact(
            Act::AuditSeal,
            |connection, _| Box::pin(async move { seal(connection, given_up, end).await }),
            // Done twice, it finds less to do.
            look_again,
        )
        .await
    }

    /// How far the log is sealed.
    pub async fn audit_head(&self) -> Result<Head, Error> {
        last(&mut *self.reader().await?, "").await
    }
}

async fn seal(connection: &mut AnyConnection, given_up: Timestamp, end: &str) -> Result<SealedTo, Error> {
    query("UPDATE audit SET outcome = 'unknown' WHERE seq IS NULL AND outcome = 'begun' AND happened_at < ?")
        .bind(time(given_up))
        .execute(&mut *connection)
        .await?;
    let from = last(connection, end).await?;
    let select = format!(
        "SELECT {CONTENT}, seq, previous_hash, row_hash FROM audit WHERE seq IS NULL AND outcome <> 'begun' ORDER BY id LIMIT ? {end}"
    );
    let rows = list::<Unsealed>(connection, built(select).bind(MOST as i64)).await?;
    let (mut head, mut placed) = (from, Vec::with_capacity(rows.len()));
    for row in rows {
        // One that cannot be read was not written so; it stays without a place, and is told with each list.
        let Ok(Unsealed(record)) = row.inspect_err(|error| tracing::error!(%error, "a row of the audit log cannot be sealed"))
        else {
            continue;
        };
        let previous = head.hash;
        head = Head { seq: head.seq + 1, hash: previous.then(&record) };
        placed.push((record.id.to_string(), previous, head));
    }
    // Not by what was found: rows that cannot be read are found again.
    let more = placed.len() == MOST;
    // In pieces of a power of two, so that an engine's cache of prepared statements holds them all.
    let mut rest = placed.as_slice();
    while !rest.is_empty() {
        let (piece, later) = rest.split_at(1 << rest.len().ilog2());
        if set(piece).execute(&mut *connection).await?.rows_affected() != piece.len() as u64 {
            let reason = "rows that were to be sealed have gone, or are sealed".to_owned();
            return Err(RowError { table: "audit", key: None, reason }.into());
        }
        rest = later;
    }
    Ok(SealedTo { from, head, more })
}

fn set(rows: &[(String, Link, Head)]) -> Query {
    let each = repeat("WHEN ? THEN ?", " ", rows.len());
    let wanted = repeat("?", ",", rows.len());
    let text = format!(
        "UPDATE audit SET seq = CASE id {each} END, previous_hash = CASE id {each} END, row_hash = CASE id {each} END \
         WHERE seq IS NULL AND id IN ({wanted})"
    );
    let query = rows.iter().fold(built(text), |query, (id, _, head)| query.bind(id.clone()).bind(head.seq));
    let query = rows.iter().fold(query, |query, (id, previous, _)| query.bind(id.clone()).bind(previous.to_string()));
    let query = rows.iter().fold(query, |query, (id, _, head)| query.bind(id.clone()).bind(head.hash.to_string()));
    rows.iter().fold(query, |query, (id, ..)| query.bind(id.clone()))
}

/// The last row that is sealed.
async fn last(connection: &mut AnyConnection, end: &str) -> Result<Head, Error> {
    let select = format!("SELECT seq, row_hash FROM audit WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1 {end}");
    Ok(one::<Last>(connection, built(select)).await?.map_or(Head::START, |Last(head)| head))
}

struct Last(Head);

impl FromRow for Last {
    const TABLE: &'static str = "audit";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self(Head { seq: row.get("seq")?, hash: row.parsed("row_hash")? }))
    }
}

struct Unsealed(Record);

impl FromRow for Unsealed {
    const TABLE: &'static str = "audit";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("id")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        match place(row, Record::read(row)?)? {
            Err(record) => Ok(Self(record)),
            Ok(sealed) => Err(format!("it is sealed as row {}", sealed.seq)),
        }
    }
}
