//! What there is of the past: workflows, and their executions with what holds them. Read without locks; it is only what the rule looks at.

use super::STEP;
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{Query, built, query};
use crate::{Error, RowError, Store};
use pulse_core::retention::{Hold, Past};
use pulse_core::time::Timestamp;
use pulse_protocol::ExecutionId;

/// A workflow that was ever started, and the highest number of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowAt {
    /// Its source.
    pub source: String,
    /// Its name.
    pub workflow: String,
    /// Its newest execution's number.
    pub newest: i64,
}

impl FromRow for WorkflowAt {
    const TABLE: &'static str = "executions";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self { source: row.get("source")?, workflow: row.get("workflow")?, newest: row.get("number")? })
    }
}

/// An execution as the rule sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// Its id.
    pub id: ExecutionId,
    /// What the rule asks.
    pub past: Past,
}

/// An agent speaks of what it holds each 30 s; after so long nothing of it is under way any more.
const HEARD_MICROS: i64 = 3_600_000_000;

impl FromRow for Surveyed {
    const TABLE: &'static str = "executions";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("id")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let ended_at =
            row.get::<Option<i64>>("ended_at")?.map(Timestamp).filter(|_| row.get::<i64>("terminal").is_ok_and(|over| over != 0));
        let hold = match row.get::<i64>("hold")? {
            _ if ended_at.is_none() => Some(Hold::Open),
            1 => Some(Hold::Unknown),
            2 => Some(Hold::Retried),
            3 => Some(Hold::LastOfSchedule),
            4 => Some(Hold::Unheard),
            _ => None,
        };
        let past = Past { number: row.get("number")?, created_at: Timestamp(row.get("created_at")?), ended_at, hold };
        Ok(Self { id: row.parsed("id")?, past })
    }
}

const SELECT: &str = "SELECT id, number, terminal, created_at, ended_at, CASE \
    WHEN EXISTS (SELECT 1 FROM attempts WHERE attempts.execution = executions.id AND attempts.state = 'open') THEN 1 \
    WHEN EXISTS (SELECT 1 FROM executions later WHERE later.retry_of = executions.id) THEN 2 \
    WHEN EXISTS (SELECT 1 FROM schedules WHERE schedules.source = executions.source AND schedules.name = executions.schedule \
        AND schedules.fired_execution = executions.id) THEN 3 \
    WHEN EXISTS (SELECT 1 FROM attempts JOIN agents ON agents.name = attempts.agent WHERE attempts.execution = executions.id \
        AND agents.revoked_at IS NULL AND (agents.last_seen IS NULL OR agents.last_seen < executions.ended_at + ?)) THEN 4 \
    ELSE 0 END AS hold FROM executions WHERE source = ? AND workflow = ?";

impl Store {
    /// The workflow after this one, in the order of sources and names; the first one after none.
    pub async fn workflow_after(&self, last: Option<&WorkflowAt>) -> Result<Option<WorkflowAt>, Error> {
        const NEXT: &str = "SELECT source, workflow, number FROM executions WHERE";
        let mut reader = self.reader().await?;
        let mut found = None;
        if let Some(last) = last {
            let select = built(format!("{NEXT} source = ? AND workflow > ? ORDER BY source, workflow, number LIMIT 1"));
            found = one::<WorkflowAt>(&mut reader, select.bind(last.source.clone()).bind(last.workflow.clone())).await?;
        }
        if found.is_none() {
            let source = last.map(|last| last.source.clone()).unwrap_or_default();
            let select = built(format!("{NEXT} source > ? ORDER BY source, workflow, number LIMIT 1"));
            found = one::<WorkflowAt>(&mut reader, select.bind(source)).await?;
        }
        let Some(first) = found else { return Ok(None) };
        let select = query(
            "SELECT source, workflow, number FROM executions WHERE source = ? AND workflow = ? ORDER BY number DESC LIMIT 1",
        );
        one(&mut reader, select.bind(first.source).bind(first.workflow)).await
    }

    /// A step's worth of a workflow's executions behind a number, in the order of their numbers; with `output`, those only whose output was
    /// not removed yet.
    pub async fn survey(&self, of: &WorkflowAt, behind: i64, output: bool) -> Result<Vec<Result<Surveyed, RowError>>, Error> {
        let kept = if output { "AND output_removed_at IS NULL" } else { "" };
        let select = built(format!("{SELECT} {kept} AND number > ? ORDER BY number LIMIT ?")).bind(HEARD_MICROS);
        let select: Query = select.bind(of.source.clone()).bind(of.workflow.clone()).bind(behind).bind(STEP as i64);
        Ok(list(&mut *self.reader().await?, select).await?)
    }
}
