//! Rows are read: lists for people, and the chain in pieces.

use super::row::{CONTENT, place};
use crate::columns::Word;
use crate::page::Page;
use crate::rows::{Columns, FromRow, list};
use crate::sql::{Query, built};
use crate::{Error, RowError, Store};
use pulse_core::audit::{Outcome, Record, Sealed};
use pulse_core::time::Timestamp;
use uuid::Uuid;

/// Which rows to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this principal.
    pub principal: Option<String>,
    /// Of this action.
    pub action: Option<String>,
    /// On an object of this id or name.
    pub object: Option<String>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Asked for then or later.
    pub since: Option<Timestamp>,
    /// Asked for before then.
    pub until: Option<Timestamp>,
}

/// A row, with its place once it is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditRow {
    /// It has its place.
    Sealed(Sealed),
    /// Not yet.
    Open(Record),
}

impl AuditRow {
    /// What it says.
    pub const fn record(&self) -> &Record {
        match self {
            Self::Sealed(sealed) => &sealed.record,
            Self::Open(record) => record,
        }
    }
}

impl FromRow for AuditRow {
    const TABLE: &'static str = "audit";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("id")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(place(row, Record::read(row)?)?.map_or_else(Self::Open, Self::Sealed))
    }
}

/// A row of the chain; one that cannot be read is known by its number.
struct Numbered(Sealed);

impl FromRow for Numbered {
    const TABLE: &'static str = "audit";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.get::<i64>("seq").ok().map(|seq| seq.to_string())
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let placed = place(row, Record::read(row)?)?;
        placed.map(Self).map_err(|_| "it has no place".to_owned())
    }
}

impl Store {
    /// Rows, newest first. `cursor` is [`Page::next`] of the page before.
    pub async fn audit_rows(
        &self,
        filter: &AuditFilter,
        limit: u32,
        cursor: Option<Uuid>,
    ) -> Result<Page<AuditRow, Uuid>, Error> {
        // Ids are of the same moment as `happened_at`, to the millisecond, and they have the index.
        let first = |at: Timestamp| Uuid::from_u128(u128::try_from((at.0 / 1000).max(0)).unwrap_or(0) << 80).to_string();
        let texts = [
            ("principal = ?", filter.principal.clone()),
            ("action = ?", filter.action.clone()),
            ("object_id = ?", filter.object.clone()),
            ("outcome = ?", filter.outcome.map(|outcome| outcome.word().to_owned())),
            ("id >= ?", filter.since.map(first)),
            ("id < ?", filter.until.map(|until| first(Timestamp(until.0.saturating_add(1000))))),
            ("id < ?", cursor.map(|id| id.to_string())),
        ];
        let times = [("happened_at >= ?", filter.since), ("happened_at < ?", filter.until)];
        let (mut wheres, values): (Vec<_>, Vec<_>) = texts.into_iter().filter_map(|(text, value)| Some((text, value?))).unzip();
        let (more, times): (Vec<_>, Vec<_>) = times.into_iter().filter_map(|(text, at)| Some((text, at?))).unzip();
        wheres.extend(more);
        let clause = if wheres.is_empty() { String::new() } else { format!("WHERE {}", wheres.join(" AND ")) };
        let select = format!("SELECT {CONTENT}, seq, previous_hash, row_hash FROM audit {clause} ORDER BY id DESC LIMIT ?");
        let select = values.into_iter().fold(built(select), Query::bind);
        let select = times.into_iter().fold(select, |select, at| select.bind(at.0)).bind(Page::<AuditRow, Uuid>::to_read(limit));
        Ok(Page::cut(list(&mut *self.reader().await?, select).await?, limit, |row: &AuditRow| row.record().id))
    }

    /// The chain behind a number, in its order. A row that cannot be read has its number as its key.
    pub async fn audit_chain(&self, behind: i64, limit: u32) -> Result<Vec<Result<Sealed, RowError>>, Error> {
        let select = format!("SELECT {CONTENT}, seq, previous_hash, row_hash FROM audit WHERE seq > ? ORDER BY seq LIMIT ?");
        let select = built(select).bind(behind).bind(i64::from(limit));
        let rows = list::<Numbered>(&mut *self.reader().await?, select).await?;
        Ok(rows.into_iter().map(|row| row.map(|Numbered(sealed)| sealed)).collect())
    }
}
