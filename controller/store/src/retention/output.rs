//! Output goes before its executions do: its bytes, not how many there were.

use super::remove::{attempts, pieces};
use super::{PIECES, STEP};
use crate::columns::time;
use crate::sql::built;
use crate::sql::repeat;
use crate::transact::look_again;
use crate::{Error, Store};
use pulse_core::time::Timestamp;
use pulse_protocol::ExecutionId;
use pulse_protocol::failpoint::Act;
use sqlx::AnyConnection;

/// Attempts whose output one step looks at.
const ATTEMPTS: i64 = 60_000;

/// What came of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutputStep {
    /// Pieces that went.
    pub pieces: u64,
    /// Executions whose output is gone now; with none, there is more to go.
    pub executions: u64,
}

impl Store {
    /// Removes output of these executions up to a bound; asked again until it answers that it is gone. One step's worth of them at most.
    pub async fn remove_output(&self, ids: &[ExecutionId], now: Timestamp) -> Result<OutputStep, Error> {
        let ids: Vec<String> = ids.iter().take(STEP).map(ToString::to_string).collect();
        let ids = &ids;
        self.transact(Act::Retain, |connection, _| Box::pin(async move { step(connection, ids, now).await }), look_again).await
    }
}

async fn step(connection: &mut AnyConnection, ids: &[String], now: Timestamp) -> Result<OutputStep, Error> {
    if ids.is_empty() {
        return Ok(OutputStep::default());
    }
    for chunk in attempts(connection, ids, ATTEMPTS).await?.chunks(crate::sql::MAX_ROWS) {
        let gone = pieces(connection, chunk, PIECES).await?;
        if gone > 0 {
            return Ok(OutputStep { pieces: gone, executions: 0 });
        }
    }
    let update = built(format!("UPDATE executions SET output_removed_at = ? WHERE id IN ({})", repeat("?", ",", ids.len())));
    let update = ids.iter().fold(update.bind(time(now)), |update, id| update.bind(id.clone()));
    update.execute(&mut *connection).await?;
    Ok(OutputStep { pieces: 0, executions: ids.len() as u64 })
}
