//! Syncs: what came of each look at a source, kept for people.

use crate::bounds;
use crate::columns::{Word, time};
use crate::dialect::Dialect;
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{Query, built, chunks, query, repeat};
use crate::{Error, RowError, Store};
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::Act;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

/// How a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SyncOutcome {
    /// The commit is live.
    Applied,
    /// It says what is live already.
    Unchanged,
    /// It has problems; what was live stays live.
    Refused,
    /// It waits for a person's confirmation.
    Held,
    /// The source could not be read.
    Unreachable,
}

impl Word for SyncOutcome {
    const WHAT: &'static str = "sync outcome";
    const ALL: &'static [Self] = &[Self::Applied, Self::Unchanged, Self::Refused, Self::Held, Self::Unreachable];
    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl SyncOutcome {
    /// The word for it in API and database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::Held => "held",
            Self::Unreachable => "unreachable",
        }
    }
}

/// A finished sync.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncRecord {
    /// Its id, a UUIDv7.
    pub id: Uuid,
    /// The source.
    pub source: String,
    /// The commit that was looked at, where one was reached.
    pub commit: Option<String>,
    /// Who made the commit, `Name <address>`.
    pub author: Option<String>,
    /// The first line of the commit's message.
    pub title: Option<String>,
    /// How it ended.
    pub outcome: SyncOutcome,
    /// Why, as a word of a closed set, where the outcome does not say it all.
    pub reason: Option<String>,
    /// The source's generation after it, where it applied.
    pub generation: Option<i64>,
    /// Problems, as the API shows them.
    pub problems: serde_json::Value,
    /// What the plan would do or did, counted, as the API shows it.
    pub counts: serde_json::Value,
    /// In one sentence, where there is something to say.
    pub message: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, microseconds.
    pub duration_us: i64,
}

const COLUMNS: &str =
    "id, source, commit_id, outcome, problems, counts, message, started_at, duration_us, reason, author, title, generation";

impl FromRow for SyncRecord {
    const TABLE: &'static str = "syncs";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("id")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self {
            id: row.parsed("id")?,
            source: row.get("source")?,
            commit: row.get("commit_id")?,
            author: row.get("author")?,
            title: row.get("title")?,
            reason: row.get("reason")?,
            generation: row.get("generation")?,
            outcome: SyncOutcome::from_word(&row.get::<String>("outcome")?).map_err(|error| error.to_string())?,
            problems: row.json("problems")?,
            counts: row.json("counts")?,
            message: row.get("message")?,
            started_at: Timestamp(row.get("started_at")?),
            duration_us: row.get("duration_us")?,
        })
    }
}

impl SyncRecord {
    pub(crate) fn check(&self) -> Result<(), Error> {
        bounds::text("a source's name", &self.source, bounds::NAME)?;
        bounds::ascii("a commit", self.commit.as_deref().unwrap_or_default(), bounds::DIGEST)?;
        bounds::text("a commit's author", self.author.as_deref().unwrap_or_default(), bounds::LINE)?;
        bounds::text("a commit's title", self.title.as_deref().unwrap_or_default(), bounds::LINE)?;
        bounds::text("a reason", self.reason.as_deref().unwrap_or_default(), bounds::WORD)?;
        let message = self.message.as_deref().unwrap_or_default();
        bounds::documents("a sync", &[&self.problems.to_string(), &self.counts.to_string(), message])
    }
}

/// Syncs of a source that are kept.
const KEPT: i64 = 1000;
/// Most rows that one write takes out.
const PRUNED: i64 = 64;

/// Writes the row, inside a transaction, and takes out what is no longer kept.
pub(crate) async fn insert(connection: &mut AnyConnection, sync: &SyncRecord) -> Result<(), sqlx::Error> {
    built(format!("INSERT INTO syncs ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"))
        .bind(sync.id.to_string())
        .bind(sync.source.clone())
        .bind(sync.commit.clone())
        .bind(sync.outcome.word())
        .bind(sync.problems.to_string())
        .bind(sync.counts.to_string())
        .bind(sync.message.clone())
        .bind(time(sync.started_at))
        .bind(sync.duration_us)
        .bind(sync.reason.clone())
        .bind(sync.author.clone())
        .bind(sync.title.clone())
        .bind(sync.generation)
        .execute(&mut *connection)
        .await?;
    prune(connection, &sync.source).await
}

/// A few of the oldest at a time; one more row each time is the rule.
async fn prune(connection: &mut AnyConnection, source: &str) -> Result<(), sqlx::Error> {
    let select = query("SELECT id FROM syncs WHERE source = ? ORDER BY id DESC LIMIT ? OFFSET ?");
    let rows = select.bind(source.to_owned()).bind(PRUNED).bind(KEPT).fetch_all(&mut *connection).await?;
    let ids = rows.iter().map(|row| row.try_get::<String, _>(0)).collect::<Result<Vec<_>, _>>()?;
    for chunk in chunks(&ids) {
        let delete = built(format!("DELETE FROM syncs WHERE id IN ({})", repeat("?", ", ", chunk.len())));
        chunk.iter().cloned().fold(delete, Query::bind).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Whether the row is there, once whoever may be writing it has ended.
pub(crate) async fn written(dialect: &Dialect, connection: &mut AnyConnection, id: Uuid) -> Result<bool, Error> {
    let select = built(format!("SELECT {COLUMNS} FROM syncs WHERE id = ? {}", dialect.for_update())).bind(id.to_string());
    Ok(!list::<SyncRecord>(connection, select).await?.is_empty())
}

impl Store {
    /// Records a sync that changed nothing. One that applied is recorded by [`Store::apply`], in its transaction.
    pub async fn record_sync(&self, sync: &SyncRecord) -> Result<(), Error> {
        sync.check()?;
        self.transact(
            Act::Record,
            |connection, _| {
                Box::pin(async move {
                    insert(connection, sync).await?;
                    Ok::<_, Error>(())
                })
            },
            |connection, _| {
                Box::pin(async move { Ok(written(&self.database.ground.dialect, connection, sync.id).await?.then_some(())) })
            },
        )
        .await?;
        Ok(())
    }

    /// Syncs, newest first. `before` is the last id of the page before.
    pub async fn syncs(
        &self,
        source: Option<&str>,
        limit: u32,
        before: Option<Uuid>,
    ) -> Result<Vec<Result<SyncRecord, RowError>>, Error> {
        let conditions = [(source.is_some(), "source = ?"), (before.is_some(), "id < ?")];
        let wheres: Vec<&str> = conditions.into_iter().filter_map(|(wanted, text)| wanted.then_some(text)).collect();
        let clause = if wheres.is_empty() { String::new() } else { format!("WHERE {}", wheres.join(" AND ")) };
        let select = built(format!("SELECT {COLUMNS} FROM syncs {clause} ORDER BY id DESC LIMIT ?"));
        let values = source.map(str::to_owned).into_iter().chain(before.map(|id| id.to_string()));
        let select = values.fold(select, Query::bind).bind(i64::from(limit));
        Ok(list(&mut *self.reader().await?, select).await?)
    }

    /// The last recorded sync of a source; absent before the first one, and where its row cannot be read.
    pub async fn last_sync(&self, source: &str) -> Result<Option<SyncRecord>, Error> {
        Ok(self.syncs(Some(source), 1, None).await?.into_iter().next().and_then(Result::ok))
    }

    /// The newest sync of a source after which this commit was live.
    pub async fn sync_of(&self, source: &str, commit: &str) -> Result<Option<Uuid>, Error> {
        let select = "WHERE source = ? AND commit_id = ? AND outcome IN ('applied','unchanged') ORDER BY id DESC LIMIT 1";
        let select = built(format!("SELECT {COLUMNS} FROM syncs {select}")).bind(source.to_owned()).bind(commit.to_owned());
        Ok(one::<SyncRecord>(&mut *self.reader().await?, select).await?.map(|record| record.id))
    }

    /// One sync.
    pub async fn sync(&self, id: Uuid) -> Result<Option<SyncRecord>, Error> {
        let select = built(format!("SELECT {COLUMNS} FROM syncs WHERE id = ?"));
        one(&mut *self.reader().await?, select.bind(id.to_string())).await
    }
}
