//! Absences: spans in which no controller ran, which do not count against people's deadlines. The database says how long nobody
//! had renewed the leases ([`Store::absence`]); the controller turns that into a span of its own clock and notes it here.

use crate::columns::time;
use crate::rows::{Columns, FromRow, list};
use crate::sql::{Query, Shape, query};
use crate::transact::look_again;
use crate::{Error, RowError, Store};
use pulse_core::elapsed::Span;
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::Act;

/// A span shorter than this is not worth a row.
const SHORTEST_MICROS: i64 = 1_000_000;

/// What ended longer ago is forgotten: 400 days.
const KEPT_MICROS: i64 = 400 * 86_400 * 1_000_000;

/// Most spans that are read, the newest ones.
const MOST: i64 = 10_000;

const INSERT: Shape = Shape::insert("INSERT INTO absences (from_at, to_at) VALUES", "(?,?)");

impl FromRow for Span {
    const TABLE: &'static str = "absences";
    fn key(row: &Columns<'_>) -> Option<String> {
        Some(format!("{}/{}", row.get::<i64>("from_at").ok()?, row.get::<i64>("to_at").ok()?))
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self { from: Timestamp(row.get("from_at")?), to: Timestamp(row.get("to_at")?) })
    }
}

impl Store {
    /// Notes a span in which no controller could work: first of all the one before this controller, which the database keeps for the
    /// next one until then, should this one die first. Forgets those that ended more than 400 days before its end. One that is shorter
    /// than a second, or noted already, makes no row.
    pub async fn note_absence(&self, span: Span) -> Result<(), Error> {
        let spans = if span.to.0.saturating_sub(span.from.0) < SHORTEST_MICROS { &[][..] } else { std::slice::from_ref(&span) };
        let insert = &self.database.ground.dialect.or_ignore(INSERT, "from_at");
        let noted: Result<(), Error> = self
            .transact(
                Act::Absence,
                |connection, _| {
                    Box::pin(async move {
                        let bind = |query: Query, span: &Span| query.bind(time(span.from)).bind(time(span.to));
                        insert.run(connection, spans, bind).await?;
                        let prune = query("DELETE FROM absences WHERE to_at < ?").bind(span.to.0.saturating_sub(KEPT_MICROS));
                        prune.execute(&mut *connection).await?;
                        self.database.leases.forget_absence(connection).await?;
                        Ok(())
                    })
                },
                look_again,
            )
            .await;
        noted
    }

    /// Spans that end after this time, oldest first: the newest 10,000 at most.
    pub async fn absences(&self, since: Timestamp) -> Result<Vec<Result<Span, RowError>>, Error> {
        let select = query("SELECT from_at, to_at FROM absences WHERE to_at > ? ORDER BY to_at DESC, from_at DESC LIMIT ?");
        let mut spans = list(&mut *self.reader().await?, select.bind(time(since)).bind(MOST)).await?;
        spans.reverse();
        Ok(spans)
    }
}
