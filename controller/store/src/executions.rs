//! Executions as rows: one by id or number, what is open, what is due.

use crate::columns::{Word, time};
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{built, chunks, query, repeat};
use crate::{Error, RowError, Store};
use pulse_core::execution::Summary;
use pulse_core::time::Timestamp;
use pulse_core::transition::{ExecutionState, WaitReason};
use pulse_protocol::ExecutionId;

pub(crate) const COLUMNS: &str = "id, source, workflow, number, status, terminal, commit_id, snapshot, started_by, schedule, created_at, \
    started_at, ended_at, wake_at, message, seq, waits, retry_of, labels";

impl FromRow for Summary {
    const TABLE: &'static str = "executions";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("id")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let time_of = |column| Ok::<_, String>(row.get::<Option<i64>>(column)?.map(Timestamp));
        let status = ExecutionState::from_word(&row.get::<String>("status")?).map_err(|error| error.to_string())?;
        let waits = row.get::<Option<String>>("waits")?.map(|word| WaitReason::from_word(&word)).transpose();
        Ok(Self {
            id: row.parsed("id")?,
            source: row.get("source")?,
            workflow: row.get("workflow")?,
            number: row.get("number")?,
            status: status.word(),
            waits: waits.map_err(|error| error.to_string())?,
            terminal: row.get::<i64>("terminal")? != 0,
            commit: row.get("commit_id")?,
            snapshot: row.get("snapshot")?,
            started_by: row.get("started_by")?,
            schedule: row.get("schedule")?,
            retry_of: row.parsed_option("retry_of")?,
            labels: row.json("labels")?,
            created_at: Timestamp(row.get("created_at")?),
            started_at: time_of("started_at")?,
            ended_at: time_of("ended_at")?,
            seq: row.number("seq")?,
            wake_at: time_of("wake_at")?,
            message: row.get("message")?,
        })
    }
}

/// An id, read alone.
struct Id(ExecutionId);

impl FromRow for Id {
    const TABLE: &'static str = "executions";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self(row.parsed("id")?))
    }
}

struct NextNumber(i64);

impl FromRow for NextNumber {
    const TABLE: &'static str = "executions";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self(row.get("next_number")?))
    }
}

/// How many open executions are in the same state for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The word for the state.
    pub status: &'static str,
    /// What they wait for.
    pub waits: Option<WaitReason>,
    /// How many.
    pub count: u64,
}

impl FromRow for Open {
    const TABLE: &'static str = "executions";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let status = ExecutionState::from_word(&row.get::<String>("status")?).map_err(|error| error.to_string())?;
        let waits = row.get::<Option<String>>("waits")?.map(|word| WaitReason::from_word(&word)).transpose();
        Ok(Self { status: status.word(), waits: waits.map_err(|error| error.to_string())?, count: row.number("open_ones")? })
    }
}

impl Store {
    /// The open executions, counted by what they do. Rows that cannot be read are left out.
    pub async fn count_open(&self) -> Result<Vec<Open>, Error> {
        let select =
            query("SELECT status, waits, COUNT(*) AS open_ones FROM executions WHERE terminal = 0 GROUP BY status, waits");
        Ok(list(&mut *self.reader().await?, select).await?.into_iter().flatten().collect())
    }

    /// One execution's row.
    pub async fn execution(&self, id: ExecutionId) -> Result<Option<Summary>, Error> {
        let select = built(format!("SELECT {COLUMNS} FROM executions WHERE id = ?")).bind(id.to_string());
        one(&mut *self.reader().await?, select).await
    }

    /// The rows of these executions, in no order; one that is not there is left out.
    pub async fn executions_of(&self, ids: &[ExecutionId]) -> Result<Vec<Result<Summary, RowError>>, Error> {
        let (mut found, mut reader) = (Vec::new(), self.reader().await?);
        for chunk in chunks(ids) {
            let wanted = repeat("?", ",", chunk.len());
            let select = built(format!("SELECT {COLUMNS} FROM executions WHERE id IN ({wanted})"));
            let select = chunk.iter().fold(select, |select, id| select.bind(id.to_string()));
            found.extend(list(&mut reader, select).await?);
        }
        Ok(found)
    }

    /// The execution that a person names: its id, or `workflow#number`.
    pub async fn find_execution(&self, reference: &str) -> Result<Option<Summary>, Error> {
        if let Ok(id) = reference.parse() {
            return self.execution(id).await;
        }
        let Some((workflow, number)) = reference.rsplit_once('#') else { return Ok(None) };
        let Ok(number) = number.parse::<i64>() else { return Ok(None) };
        let select = built(format!("SELECT {COLUMNS} FROM executions WHERE workflow = ? AND number = ? ORDER BY source"));
        let select = select.bind(workflow.to_owned()).bind(number);
        let rows = list::<Summary>(&mut *self.reader().await?, select).await?;
        let mut found = rows.into_iter().collect::<Result<Vec<_>, _>>()?;
        if found.len() > 1 {
            let sources = found.into_iter().map(|row| row.source).collect();
            return Err(Error::Ambiguous { reference: reference.to_owned(), sources });
        }
        Ok(found.pop())
    }

    /// The execution with the highest number of a workflow; of several sources that have one of the name, of them all.
    pub async fn newest_of(&self, workflow: &str) -> Result<Option<Summary>, Error> {
        let select = built(format!("SELECT {COLUMNS} FROM executions WHERE workflow = ? ORDER BY number DESC LIMIT 1"));
        one(&mut *self.reader().await?, select.bind(workflow.to_owned())).await
    }

    /// Every execution that is not over, oldest first.
    pub async fn open_executions(&self) -> Result<Vec<Result<Summary, RowError>>, Error> {
        let select = built(format!("SELECT {COLUMNS} FROM executions WHERE terminal = 0 ORDER BY id"));
        Ok(list(&mut *self.reader().await?, select).await?)
    }

    /// Executions that a schedule started and that are not over, oldest first.
    pub async fn open_of_schedule(&self, source: &str, schedule: &str) -> Result<Vec<Result<Summary, RowError>>, Error> {
        let select = format!("SELECT {COLUMNS} FROM executions WHERE source = ? AND schedule = ? AND terminal = 0 ORDER BY id");
        let select = built(select).bind(source.to_owned()).bind(schedule.to_owned());
        Ok(list(&mut *self.reader().await?, select).await?)
    }

    /// Of the newest executions those that ended at this time or later, the oldest first.
    pub async fn ended_since(&self, since: Timestamp, newest: u32) -> Result<Vec<ExecutionId>, Error> {
        let select = built(format!("SELECT {COLUMNS} FROM executions ORDER BY id DESC LIMIT ?")).bind(i64::from(newest));
        let rows = list::<Summary>(&mut *self.reader().await?, select).await?;
        let ended = rows.into_iter().flatten().filter(|row| row.ended_at.is_some_and(|at| at >= since));
        let mut ids: Vec<ExecutionId> = ended.map(|row| row.id).collect();
        ids.reverse();
        Ok(ids)
    }

    /// Open executions whose time to be looked at has come, the longest due first.
    pub async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Result<ExecutionId, RowError>>, Error> {
        let select = query("SELECT id FROM executions WHERE terminal = 0 AND wake_at <= ? ORDER BY wake_at LIMIT ?");
        let select = select.bind(time(now)).bind(i64::from(limit));
        let rows = list::<Id>(&mut *self.reader().await?, select).await?;
        Ok(rows.into_iter().map(|row| row.map(|Id(id)| id)).collect())
    }

    /// When the next open execution has to be looked at.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let select =
            query("SELECT id, wake_at FROM executions WHERE terminal = 0 AND wake_at IS NOT NULL ORDER BY wake_at LIMIT 1");
        let row = one::<Wake>(&mut *self.reader().await?, select).await?;
        Ok(row.map(|Wake(at)| at))
    }

    /// The number that the next execution of a workflow will likely get. Only a hint: the unique key decides, and the loser of
    /// a race is told [`crate::WriteError::NumberTaken`].
    pub async fn next_number(&self, source: &str, workflow: &str) -> Result<i64, Error> {
        let select =
            query("SELECT COALESCE(MAX(number), 0) + 1 AS next_number FROM executions WHERE source = ? AND workflow = ?");
        let select = select.bind(source.to_owned()).bind(workflow.to_owned());
        let next = one::<NextNumber>(&mut *self.reader().await?, select).await?;
        Ok(next.map_or(1, |NextNumber(number)| number))
    }
}

struct Wake(Timestamp);

impl FromRow for Wake {
    const TABLE: &'static str = "executions";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("id")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self(Timestamp(row.get("wake_at")?)))
    }
}
