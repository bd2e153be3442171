//! Prompts as rows: what people are asked, and how it ended. Opened and closed with the events that say so; a question is closed
//! by a compare-and-set from `open`, so it has one end.

use crate::columns::{Word, time};
use crate::page::{Order, Page};
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{Query, Shape, built, chunks_by_size, query, repeat};
use crate::writer::WriteItem;
use crate::{Error, Store, bounds};
use crd_schemas::Duration;
use pulse_core::execution::{PromptClosed, PromptRow, PromptStatus, StepPath};
use pulse_core::time::Timestamp;
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{ExecutionId, PromptId};
use sqlx::AnyConnection;

/// A prompt as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPrompt {
    /// What is asked.
    pub row: PromptRow,
    /// Its execution.
    pub execution: ExecutionId,
    /// The source of the execution's workflow.
    pub source: String,
    /// The execution's workflow.
    pub workflow: String,
    /// The execution's number within the workflow.
    pub number: i64,
    /// How it ended; none while it is open.
    pub end: Option<PromptClosed>,
}

impl StoredPrompt {
    /// Where it stands.
    pub fn status(&self) -> PromptStatus {
        self.end.as_ref().map_or(PromptStatus::Open, |end| end.status)
    }
}

/// Which prompts to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptFilter {
    /// With this status.
    pub status: Option<PromptStatus>,
    /// Of this execution.
    pub execution: Option<ExecutionId>,
    /// Of this workflow.
    pub workflow: Option<String>,
    /// Of this source.
    pub source: Option<String>,
}

const COLUMNS: &str = "id, execution, source, workflow, number, step, visit, message, options, who, opened_at, timeout_us, status, \
    answer, answered_by, comment, closed_at";
const OPEN: Shape = Shape::insert(
    "INSERT INTO prompts (id, execution, source, workflow, number, step, visit, message, options, who, opened_at, timeout_us, status) \
     VALUES",
    "(?,?,?,?,?,?,?,?,?,?,?,?,'open')",
);

impl Word for PromptStatus {
    const WHAT: &'static str = "prompt status";
    const ALL: &'static [Self] = &Self::ALL;
    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl FromRow for StoredPrompt {
    const TABLE: &'static str = "prompts";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("id")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let prompt = row.parsed("id")?;
        let timeout = row.get::<Option<i64>>("timeout_us")?.map(duration).transpose()?;
        let status = PromptStatus::from_word(&row.get::<String>("status")?).map_err(|error| error.to_string())?;
        let end = match (status, row.get::<Option<i64>>("closed_at")?.map(Timestamp)) {
            (PromptStatus::Open, None) => None,
            (PromptStatus::Open, Some(_)) | (_, None) => return Err("status and closed_at contradict each other".to_owned()),
            (status, Some(at)) => Some(PromptClosed {
                prompt,
                status,
                answer: row.get("answer")?,
                by: row.get("answered_by")?,
                comment: row.get("comment")?,
                at,
            }),
        };
        let asked = PromptRow {
            prompt,
            step: StepPath(row.get("step")?),
            visit: row.number("visit")?,
            message: row.get("message")?,
            options: row.json("options")?,
            who: row.json("who")?,
            opened_at: Timestamp(row.get("opened_at")?),
            timeout,
        };
        Ok(Self {
            row: asked,
            execution: row.parsed("execution")?,
            source: row.get("source")?,
            workflow: row.get("workflow")?,
            number: row.get("number")?,
            end,
        })
    }
}

fn duration(micros: i64) -> Result<Duration, String> {
    let micros = u64::try_from(micros).map_err(|_| format!("column timeout_us: {micros} is out of range"))?;
    Ok(Duration::from_millis(micros / 1000))
}

/// What one engine would refuse to store no engine is asked to.
pub(crate) fn check(item: &WriteItem) -> Result<(), Error> {
    for row in &item.prompts_opened {
        bounds::text("a step's path", &row.step.0, bounds::LINE)?;
        bounds::documents("a prompt", &[&row.message, &texts(&row.options), &texts(&row.who)])?;
    }
    for end in &item.prompts_closed {
        if end.status == PromptStatus::Open {
            return Err(Error::Value { what: "a prompt's end", reason: "it is said to be open".to_owned() });
        }
        bounds::text("who answered", end.by.as_deref().unwrap_or_default(), bounds::LINE)?;
        bounds::documents("an answer", &[end.answer.as_deref().unwrap_or_default(), end.comment.as_deref().unwrap_or_default()])?;
    }
    Ok(())
}

fn texts(texts: &[String]) -> String {
    serde_json::Value::from(texts.to_vec()).to_string()
}

/// Writes what these items ask, inside their transaction. A unique key that exists says that it was asked before.
pub(crate) async fn open(connection: &mut AnyConnection, items: &[&WriteItem]) -> Result<(), sqlx::Error> {
    let rows: Vec<_> = items.iter().flat_map(|item| item.prompts_opened.iter().map(move |row| (row, *item))).collect();
    let size = |(row, _): &(&PromptRow, &WriteItem)| row.message.len();
    let bind = |query: Query, (row, item): &(&PromptRow, &WriteItem)| {
        query
            .bind(row.prompt.to_string())
            .bind(item.execution.to_string())
            .bind(item.summary.source.clone())
            .bind(item.summary.workflow.clone())
            .bind(item.summary.number)
            .bind(row.step.0.clone())
            .bind(i64::from(row.visit))
            .bind(row.message.clone())
            .bind(texts(&row.options))
            .bind(texts(&row.who))
            .bind(time(row.opened_at))
            .bind(row.timeout.map(Duration::as_micros))
    };
    OPEN.run_sized(connection, &rows, size, bind).await.map(drop)
}

/// Closes what these items close, inside their transaction; false if one of the prompts is not open, or another execution's.
pub(crate) async fn close(connection: &mut AnyConnection, items: &[&WriteItem]) -> Result<bool, sqlx::Error> {
    let rows: Vec<_> = items.iter().flat_map(|item| item.prompts_closed.iter().map(move |end| (end, item.execution))).collect();
    let size = |(end, _): &(&PromptClosed, ExecutionId)| end.comment.as_ref().map_or(0, String::len);
    let mut closed = 0;
    for chunk in chunks_by_size(&rows, size) {
        closed += close_all(chunk).execute(&mut *connection).await?.rows_affected();
    }
    Ok(closed == rows.len() as u64)
}

/// One statement for all of these.
fn close_all(rows: &[(&PromptClosed, ExecutionId)]) -> Query {
    let each = repeat("WHEN ? THEN ?", " ", rows.len());
    let columns = ["status", "answer", "answered_by", "comment", "closed_at"];
    let sets: Vec<String> = columns.iter().map(|column| format!("{column} = CASE id {each} END")).collect();
    let wanted = repeat("(id = ? AND execution = ?)", " OR ", rows.len());
    let open = if planted::is(Bug::PromptTwice) { "1 = 1" } else { "status = 'open'" };
    let mut query = built(format!("UPDATE prompts SET {} WHERE {open} AND ({wanted})", sets.join(", ")));
    let texts: [fn(&PromptClosed) -> Option<String>; 4] =
        [|end| Some(end.status.word().to_owned()), |end| end.answer.clone(), |end| end.by.clone(), |end| end.comment.clone()];
    for text in texts {
        query = rows.iter().fold(query, |query, (end, _)| query.bind(end.prompt.to_string()).bind(text(end)));
    }
    query = rows.iter().fold(query, |query, (end, _)| query.bind(end.prompt.to_string()).bind(time(end.at)));
    rows.iter().fold(query, |query, (end, execution)| query.bind(end.prompt.to_string()).bind(execution.to_string()))
}

impl Store {
    /// Prompts, by when they were opened. `cursor` is [`Page::next`] of the page before.
    pub async fn prompts(
        &self,
        filter: &PromptFilter,
        order: Order,
        limit: u32,
        cursor: Option<PromptId>,
    ) -> Result<Page<StoredPrompt, PromptId>, Error> {
        let conditions = [
            ("status = ?", filter.status.map(|status| status.word().to_owned())),
            ("execution = ?", filter.execution.map(|execution| execution.to_string())),
            ("workflow = ?", filter.workflow.clone()),
            ("source = ?", filter.source.clone()),
            (order.after(), cursor.map(|id| id.to_string())),
        ];
        let (wheres, values): (Vec<_>, Vec<_>) = conditions.into_iter().filter_map(|(text, value)| Some((text, value?))).unzip();
        let clause = if wheres.is_empty() { String::new() } else { format!("WHERE {}", wheres.join(" AND ")) };
        let select = built(format!("SELECT {COLUMNS} FROM prompts {clause} ORDER BY id {} LIMIT ?", order.word()));
        let select = values.into_iter().fold(select, Query::bind).bind(Page::<StoredPrompt, PromptId>::to_read(limit));
        let items = list::<StoredPrompt>(&mut *self.reader().await?, select).await?;
        Ok(Page::cut(items, limit, |prompt| prompt.row.prompt))
    }

    /// One prompt.
    pub async fn prompt(&self, id: PromptId) -> Result<Option<StoredPrompt>, Error> {
        let select = built(format!("SELECT {COLUMNS} FROM prompts WHERE id = ?")).bind(id.to_string());
        one(&mut *self.reader().await?, select).await
    }

    /// How many prompts have this status.
    pub async fn count_prompts(&self, status: PromptStatus) -> Result<u64, Error> {
        let select = query("SELECT COUNT(*) AS prompts FROM prompts WHERE status = ?").bind(status.word());
        Ok(one::<Count>(&mut *self.reader().await?, select).await?.map_or(0, |Count(count)| count))
    }
}

struct Count(u64);

impl FromRow for Count {
    const TABLE: &'static str = "prompts";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        row.number("prompts").map(Self)
    }
}
