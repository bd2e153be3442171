//! The last webhooks, kept for people: a row for each source, and rows `*/…` for those of which no source could be told.

use crate::bounds;
use crate::columns::time;
use crate::dialect::UPSERT_WEBHOOK;
use crate::rows::{Columns, FromRow, list};
use crate::sql::{Query, Shape, query};
use crate::transact::look_again;
use crate::{Error, RowError, Store};
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::Act;

/// The last webhook of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRow {
    /// The source's name, or `*/` and what else tells it from others.
    pub source: String,
    /// When it came.
    pub received_at: Timestamp,
    /// Whether it was taken.
    pub accepted: bool,
    /// A word of a closed set.
    pub reason: String,
    /// What there is to show of it, a JSON document of a few kilobytes at most.
    pub detail: serde_json::Value,
}

impl FromRow for WebhookRow {
    const TABLE: &'static str = "webhooks";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("source")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self {
            source: row.get("source")?,
            received_at: Timestamp(row.get("received_at")?),
            accepted: row.number::<u8>("accepted")? != 0,
            reason: row.get("reason")?,
            detail: row.json("detail")?,
        })
    }
}

const INSERT: Shape = Shape::insert("INSERT INTO webhooks (source, received_at, accepted, reason, detail) VALUES", "(?,?,?,?,?)");

impl Store {
    /// Notes the last webhook of each of these sources, in place of what was noted before.
    pub async fn note_webhooks(&self, rows: &[WebhookRow]) -> Result<(), Error> {
        for row in rows {
            bounds::text("a source's name", &row.source, bounds::NAME)?;
            bounds::text("a webhook's reason", &row.reason, bounds::WORD)?;
            bounds::documents("a webhook", &[&row.detail.to_string()])?;
        }
        let upsert = &self.database.ground.dialect.upsert(INSERT, &UPSERT_WEBHOOK);
        let bind = |query: Query, row: &WebhookRow| {
            query
                .bind(row.source.clone())
                .bind(time(row.received_at))
                .bind(i64::from(row.accepted))
                .bind(row.reason.clone())
                .bind(row.detail.to_string())
        };
        self.transact(
            Act::Webhooks,
            |connection, _| {
                Box::pin(async move {
                    upsert.run(connection, rows, bind).await?;
                    Ok(())
                })
            },
            look_again,
        )
        .await
    }

    /// The last webhook of each source.
    pub async fn webhooks(&self) -> Result<Vec<Result<WebhookRow, RowError>>, Error> {
        let select = query("SELECT source, received_at, accepted, reason, detail FROM webhooks ORDER BY source");
        Ok(list(&mut *self.reader().await?, select).await?)
    }
}
