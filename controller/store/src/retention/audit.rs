//! Rows of the audit log go from its beginning on, never beyond what a sealed row of the log itself says has gone: that row is the anchor that
//! the rest hangs on.

use super::ROWS;
use crate::audit::AuditRow;
use crate::rows::{Columns, FromRow, one};
use crate::sql::{built, query};
use crate::transact::look_again;
use crate::{Error, Store};
use pulse_core::audit::{ANCHOR, Anchor, Head};
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::Act;
use uuid::Uuid;

/// The number and the hash of a sealed row.
struct Place(Head);

impl FromRow for Place {
    const TABLE: &'static str = "audit";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self(Head { seq: row.get("seq")?, hash: row.parsed("row_hash")? }))
    }
}

impl Store {
    /// The last sealed row from before this time; none where there is none.
    pub async fn audit_before(&self, before: Timestamp) -> Result<Option<Head>, Error> {
        let first = Uuid::from_u128(u128::try_from((before.0 / 1000).max(0)).unwrap_or(0) << 80).to_string();
        let select =
            query("SELECT seq, row_hash FROM audit WHERE id < ? AND seq IS NOT NULL ORDER BY id DESC LIMIT 1").bind(first);
        Ok(one::<Place>(&mut *self.reader().await?, select).await?.map(|Place(head)| head))
    }

    /// What the log says has gone from its beginning: the newest sealed row that says so.
    pub async fn audit_anchor(&self) -> Result<Option<Anchor>, Error> {
        let (content, action) = (crate::audit::CONTENT, ANCHOR);
        let select = format!(
            "SELECT {content}, seq, previous_hash, row_hash FROM audit WHERE action = ? AND seq IS NOT NULL ORDER BY id DESC LIMIT 1"
        );
        let row = one::<AuditRow>(&mut *self.reader().await?, built(select).bind(action)).await?;
        Ok(row.and_then(|row| Anchor::of(row.record())))
    }

    /// Removes the first rows up to what an anchor says, a bound's worth of them; answers how many.
    pub async fn remove_audit(&self, anchor: Anchor) -> Result<u64, Error> {
        self.transact(
            Act::Retain,
            |connection, _| {
                Box::pin(async move {
                    let first = query("SELECT seq, row_hash FROM audit WHERE seq IS NOT NULL ORDER BY seq LIMIT 1");
                    let Some(Place(first)) = one::<Place>(connection, first).await? else { return Ok(0) };
                    let last = anchor.through.seq.min(first.seq + ROWS - 1);
                    let delete = query("DELETE FROM audit WHERE seq >= ? AND seq <= ?").bind(first.seq).bind(last);
                    Ok(delete.execute(&mut *connection).await?.rows_affected())
                })
            },
            look_again,
        )
        .await
    }
}
