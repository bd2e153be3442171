//! The records of a schedule are bounded: the newest are kept, and those of executions that are not over.

use super::KEPT;
use crate::columns::time;
use crate::sql::{Query, built, chunks, query, repeat};
use crate::transact::look_again;
use crate::{Error, Store};
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::Act;
use sqlx::{AnyConnection, Row};

/// Most records that one transaction takes out.
const PIECE: i64 = 256;
/// Most transactions of one call.
const PIECES: usize = 64;

impl Store {
    /// Takes out what is older than the newest [`KEPT`] records of a schedule, in small transactions; answers how many. Whatever is
    /// left over goes at the next call. The record of an execution that is not over stays.
    pub async fn prune_slots(&self, source: &str, schedule: &str) -> Result<u64, Error> {
        let select = query("SELECT slot_at FROM slots WHERE source = ? AND schedule = ? ORDER BY slot_at DESC LIMIT 1 OFFSET ?");
        let select = select.bind(source.to_owned()).bind(schedule.to_owned()).bind(i64::from(KEPT) - 1);
        let Some(oldest) = select.fetch_optional(&mut *self.reader().await?).await? else { return Ok(0) };
        // New records only make it older.
        let oldest = Timestamp(oldest.try_get(0)?);
        let mut pruned = 0;
        for _ in 0..PIECES {
            let gone: u64 = self
                .transact(
                    Act::PruneSlots,
                    |connection, _| Box::pin(async move { piece(connection, source, schedule, oldest).await }),
                    look_again,
                )
                .await?;
            pruned += gone;
            if gone < PIECE.unsigned_abs() {
                break;
            }
        }
        Ok(pruned)
    }
}

/// The oldest ones before `oldest`.
async fn piece(connection: &mut AnyConnection, source: &str, schedule: &str, oldest: Timestamp) -> Result<u64, Error> {
    let select = query(
        "SELECT slot_at FROM slots WHERE source = ? AND schedule = ? AND slot_at < ? AND (execution IS NULL OR NOT EXISTS \
         (SELECT 1 FROM executions WHERE executions.id = slots.execution AND executions.terminal = 0)) ORDER BY slot_at LIMIT ?",
    );
    let select = select.bind(source.to_owned()).bind(schedule.to_owned()).bind(time(oldest)).bind(PIECE);
    let rows = select.fetch_all(&mut *connection).await?;
    let slots = rows.iter().map(|row| row.try_get::<i64, _>(0)).collect::<Result<Vec<_>, _>>()?;
    let mut gone = 0;
    for chunk in chunks(&slots) {
        let these = repeat("?", ", ", chunk.len());
        let delete = built(format!("DELETE FROM slots WHERE source = ? AND schedule = ? AND slot_at IN ({these})"));
        let delete = delete.bind(source.to_owned()).bind(schedule.to_owned());
        gone += chunk.iter().copied().fold(delete, Query::bind).execute(&mut *connection).await?.rows_affected();
    }
    Ok(gone)
}
