//! The events of one execution, in order.

use crate::rows::{Columns, FromRow, list};
use crate::sql::query;
use crate::upcast::upcast;
use crate::{Error, RowError, Store};
use pulse_core::execution::EventRecord;
use pulse_core::time::Timestamp;
use pulse_protocol::ExecutionId;

impl FromRow for EventRecord {
    const TABLE: &'static str = "events";
    fn key(row: &Columns<'_>) -> Option<String> {
        Some(format!("{}/{}", row.text("execution")?, row.get::<i64>("seq").ok()?))
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self {
            seq: row.number("seq")?,
            at: Timestamp(row.get("happened_at")?),
            event: upcast(row.number("version")?, &row.get::<String>("body")?)?,
        })
    }
}

impl Store {
    /// Every event of an execution; empty if there is no such execution. One that cannot be read, or is missing, fails this
    /// execution's history and no other's.
    pub async fn history(&self, execution: ExecutionId) -> Result<Vec<EventRecord>, Error> {
        self.events_after(execution, 0, u32::MAX).await
    }

    /// Up to `limit` events after sequence `after`.
    pub async fn events_after(&self, execution: ExecutionId, after: u32, limit: u32) -> Result<Vec<EventRecord>, Error> {
        let mut reader = self.reader().await?;
        let select = query(
            "SELECT execution, seq, happened_at, version, body FROM events WHERE execution = ? AND seq > ? ORDER BY seq LIMIT ?",
        );
        let select = select.bind(execution.to_string()).bind(i64::from(after)).bind(i64::from(limit));
        let events: Vec<EventRecord> = list(&mut reader, select).await?.into_iter().collect::<Result<_, _>>()?;
        let gap = events.iter().zip(after.saturating_add(1)..).find(|(event, expected)| event.seq != *expected);
        match gap {
            None => Ok(events),
            Some((_, expected)) => {
                let key = Some(format!("{execution}/{expected}"));
                Err(RowError { table: "events", key, reason: "this event is missing".to_owned() }.into())
            }
        }
    }
}
