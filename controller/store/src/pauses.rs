//! Pauses as rows: what people hold, why, and until when. A pause is ended by a compare-and-set; it stays as history.

use crate::columns::{time, time_option};
use crate::page::Page;
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{Query, built, is_taken, query};
use crate::{Error, Store, bounds};
use pulse_core::pause::{Pause, PauseScope};
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::Act;
use sqlx::AnyConnection;
use uuid::Uuid;

/// A pause as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseRow {
    /// Its id, a UUIDv7.
    pub id: Uuid,
    /// What it holds.
    pub scope: PauseScope,
    /// Why, in the words of who set it.
    pub reason: String,
    /// Who set it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When somebody ended it, and who.
    pub ended: Option<(Timestamp, String)>,
}

/// Which pauses to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pauses {
    /// Those that hold at this time.
    Active(Timestamp),
    /// Those that are over too.
    All,
}

/// What came of ending a pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PauseEnd {
    /// It is over by this.
    Ended(PauseRow),
    /// It was over before: somebody had ended it, or it had expired.
    Over(PauseRow),
    /// There is no such pause.
    Absent,
}

const COLUMNS: &str = "id, scope, reason, created_by, created_at, expires_at, ended_at, ended_by";

impl FromRow for PauseRow {
    const TABLE: &'static str = "pauses";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("id")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let time_of = |column| Ok::<_, String>(row.get::<Option<i64>>(column)?.map(Timestamp));
        let ended = match (time_of("ended_at")?, row.get("ended_by")?) {
            (Some(at), Some(by)) => Some((at, by)),
            (None, None) => None,
            _ => return Err("the columns ended_… contradict each other".to_owned()),
        };
        Ok(Self {
            id: row.parsed("id")?,
            scope: row.parsed("scope")?,
            reason: row.get("reason")?,
            created_by: row.get("created_by")?,
            created_at: Timestamp(row.get("created_at")?),
            expires_at: time_of("expires_at")?,
            ended,
        })
    }
}

impl PauseRow {
    /// As decisions see it.
    pub fn pause(&self) -> Pause {
        let (scope, reason, by) = (self.scope.clone(), self.reason.clone(), self.created_by.clone());
        Pause { id: self.id.to_string(), scope, reason, by, since: self.created_at, expires_at: self.expires_at }
    }

    fn check(&self) -> Result<(), Error> {
        let scope = self.scope.to_string();
        if scope.parse().as_ref() != Ok(&self.scope) {
            return Err(Error::Value { what: "a pause's scope", reason: format!("{scope:?} does not say it") });
        }
        if self.ended.is_some() {
            return Err(Error::Value { what: "a new pause", reason: "it has ended".to_owned() });
        }
        bounds::text("who set a pause", &self.created_by, bounds::LINE)?;
        bounds::documents("a pause", &[&scope, &self.reason])
    }
}

fn select_pause(id: Uuid, end: &str) -> Query {
    built(format!("SELECT {COLUMNS} FROM pauses WHERE id = ? {end}")).bind(id.to_string())
}

async fn insert(connection: &mut AnyConnection, row: &PauseRow) -> Result<(), Error> {
    let insert = query("INSERT INTO pauses (id, scope, reason, created_by, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)");
    let insert = insert.bind(row.id.to_string()).bind(row.scope.to_string()).bind(row.reason.clone());
    let insert = insert.bind(row.created_by.clone()).bind(time(row.created_at)).bind(time_option(row.expires_at));
    match insert.execute(connection).await {
        Ok(_) => Ok(()),
        Err(error) if is_taken(&error) => {
            Err(Error::Value { what: "a pause", reason: format!("there is one with the id {}", row.id) })
        }
        Err(error) => Err(error.into()),
    }
}

async fn end(connection: &mut AnyConnection, id: Uuid, by: &str, at: Timestamp) -> Result<PauseEnd, Error> {
    let update = query(
        "UPDATE pauses SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > ?)",
    );
    let update = update.bind(time(at)).bind(by.to_owned()).bind(id.to_string()).bind(time(at));
    let ended = update.execute(&mut *connection).await?.rows_affected() == 1;
    let row = one::<PauseRow>(connection, select_pause(id, "")).await?;
    Ok(match row {
        Some(row) if ended => PauseEnd::Ended(row),
        Some(row) => PauseEnd::Over(row),
        None => PauseEnd::Absent,
    })
}

impl Store {
    /// Sets a pause.
    pub async fn pause(&self, row: &PauseRow) -> Result<(), Error> {
        row.check()?;
        self.transact(
            Act::Pause,
            |connection, _| Box::pin(async move { insert(connection, row).await }),
            |connection, _| {
                Box::pin(async move {
                    let select = select_pause(row.id, self.database.ground.dialect.for_update());
                    Ok(one::<PauseRow>(connection, select).await?.map(|_| ()))
                })
            },
        )
        .await?;
        Ok(())
    }

    /// Ends a pause. Of two that end it at once one has ended it.
    pub async fn end_pause(&self, id: Uuid, by: &str, at: Timestamp) -> Result<PauseEnd, Error> {
        bounds::text("who ends a pause", by, bounds::LINE)?;
        let ended: Result<PauseEnd, Error> = self
            .transact(
                Act::PauseEnd,
                |connection, _| Box::pin(async move { end(connection, id, by, at).await }),
                |connection, _| {
                    Box::pin(async move {
                        let select = select_pause(id, self.database.ground.dialect.for_update());
                        let row = one::<PauseRow>(connection, select).await?;
                        let ours = |row: &PauseRow| row.ended.as_ref().is_some_and(|(ended, who)| *ended == at && who == by);
                        Ok(row.filter(ours).map(PauseEnd::Ended))
                    })
                },
            )
            .await;
        ended
    }

    /// Pauses, newest first. `cursor` is [`Page::next`] of the page before.
    pub async fn pauses(&self, which: Pauses, limit: u32, cursor: Option<Uuid>) -> Result<Page<PauseRow, Uuid>, Error> {
        let active = match which {
            Pauses::Active(_) => "ended_at IS NULL AND (expires_at IS NULL OR expires_at > ?)",
            Pauses::All => "1 = 1",
        };
        let before = if cursor.is_some() { "AND id < ?" } else { "" };
        let select = built(format!("SELECT {COLUMNS} FROM pauses WHERE {active} {before} ORDER BY id DESC LIMIT ?"));
        let select = match which {
            Pauses::Active(now) => select.bind(time(now)),
            Pauses::All => select,
        };
        let select = cursor.into_iter().fold(select, |select, id| select.bind(id.to_string()));
        let select = select.bind(Page::<PauseRow, Uuid>::to_read(limit));
        Ok(Page::cut(list(&mut *self.reader().await?, select).await?, limit, |row: &PauseRow| row.id))
    }

    /// One pause.
    pub async fn find_pause(&self, id: Uuid) -> Result<Option<PauseRow>, Error> {
        one(&mut *self.reader().await?, select_pause(id, "")).await
    }
}
