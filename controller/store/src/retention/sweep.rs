//! What is left of removed executions goes, piece by piece: output first, which is found by the attempts; events last.

use super::remove::{among, attempts, pieces};
use super::{PIECES, ROWS};
use crate::sql::{Query, Shape, query};
use crate::transact::look_again;
use crate::{Error, Store};
use pulse_protocol::failpoint::Act;
use sqlx::{AnyConnection, Row};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Executions that one step looks at.
const EXECUTIONS: i64 = 16;

const EVENTS: Shape =
    Shape { head: "DELETE FROM events WHERE", unit: "(execution = ? AND seq <= ?)", between: " OR ", tail: Cow::Borrowed("") };

/// What came of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Rows that went.
    pub rows: u64,
    /// There may be more.
    pub more: bool,
}

impl Store {
    /// Removes up to a bound of what is left of removed executions.
    pub async fn sweep_removed(&self) -> Result<Swept, Error> {
        self.transact(Act::Retain, |connection, _| Box::pin(sweep(connection)), look_again).await
    }
}

async fn sweep(connection: &mut AnyConnection) -> Result<Swept, Error> {
    let rows =
        query("SELECT execution FROM removals ORDER BY execution LIMIT ?").bind(EXECUTIONS).fetch_all(&mut *connection).await?;
    let executions = rows.iter().map(|row| row.try_get::<String, _>(0)).collect::<Result<Vec<_>, _>>()?;
    if executions.is_empty() {
        return Ok(Swept::default());
    }
    let gone = |rows| Ok(Swept { rows, more: true });
    let attempts = attempts(connection, &executions, ROWS / 3).await?;
    if !attempts.is_empty() {
        match pieces(connection, &attempts, PIECES).await? {
            0 => {}
            pieces => return gone(pieces),
        }
        let states = among("DELETE FROM output_state WHERE attempt", &attempts, "").execute(&mut *connection).await?;
        let rows = among("DELETE FROM attempts WHERE attempt", &attempts, "").execute(&mut *connection).await?;
        return gone(states.rows_affected() + rows.rows_affected());
    }
    let select =
        among("SELECT id FROM prompts WHERE execution", &executions, "LIMIT ?").bind(ROWS).fetch_all(&mut *connection).await?;
    let prompts = select.iter().map(|row| row.try_get::<String, _>(0)).collect::<Result<Vec<_>, _>>()?;
    if !prompts.is_empty() {
        return gone(among("DELETE FROM prompts WHERE id", &prompts, "").execute(&mut *connection).await?.rows_affected());
    }
    let events = events(connection, &executions).await?;
    if events.is_none_or(|events| events < ROWS.unsigned_abs()) {
        let done = among("DELETE FROM removals WHERE execution", &executions, "").execute(&mut *connection).await?;
        return gone(events.unwrap_or(0) + done.rows_affected());
    }
    gone(events.unwrap_or(0))
}

/// Their events, the first ones first; none where none are left.
async fn events(connection: &mut AnyConnection, executions: &[String]) -> Result<Option<u64>, Error> {
    let select =
        among("SELECT execution, seq FROM events WHERE execution", executions, "ORDER BY execution, seq LIMIT ?").bind(ROWS);
    let mut up_to: BTreeMap<String, i64> = BTreeMap::new();
    for row in select.fetch_all(&mut *connection).await? {
        up_to.insert(row.try_get(0)?, row.try_get(1)?);
    }
    if up_to.is_empty() {
        return Ok(None);
    }
    let up_to: Vec<(String, i64)> = up_to.into_iter().collect();
    let bind = |query: Query, (execution, seq): &(String, i64)| query.bind(execution.clone()).bind(*seq);
    Ok(Some(EVENTS.run(connection, &up_to, bind).await?))
}
