//! Prompts as rows: what people are asked, and how it ended. Opened and closed with the events that say so; a question is closed
//! by a compare-and-set from `open`, so it has one end.

use crate::columns::{Word, time};
use crate::page::{Order, Page};
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{Query, Shape, built, chunks_by_size, query, repeat};
use crate::statement::{Conflict, Statement, Value};
use crate::writer::WriteItem;
use crate::{Error, Store, bounds};
use crd_schemas::Duration;
use pulse_core::execution::{PromptClosed, PromptRow, PromptStatus, StepPath};
use pulse_core::time::Timestamp;
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{ExecutionId, PromptId};

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

/// What these items ask. A unique key that exists says that it was asked before.
pub(crate) fn open<'a>(items: &[&'a WriteItem]) -> Vec<Statement<'a>> {
    let rows = items.iter().flat_map(|item| item.prompts_opened.iter().map(move |row| (row, *item)));
    let asked = Statement::of_rows(&OPEN, rows, |(row, item)| {
        [
            row.prompt.to_string().into(),
            item.execution.to_string().into(),
            (&item.summary.source).into(),
            (&item.summary.workflow).into(),
            item.summary.number.into(),
            (&row.step.0).into(),
            i64::from(row.visit).into(),
            (&row.message).into(),
            texts(&row.options).into(),
            texts(&row.who).into(),
            time(row.opened_at).into(),
            row.timeout.map(Duration::as_micros).into(),
        ]
    });
    asked.into_iter().map(|statement| statement.taken_as(Conflict::Stale)).collect()
}

/// Closes what these items close; a conflict if one of the prompts is not open, or another execution's.
pub(crate) fn close<'a>(items: &[&'a WriteItem]) -> Vec<Statement<'a>> {
    let rows: Vec<_> = items.iter().flat_map(|item| item.prompts_closed.iter().map(move |end| (end, item.execution))).collect();
    let size = |(end, _): &(&PromptClosed, ExecutionId)| end.comment.as_ref().map_or(0, String::len);
    chunks_by_size(&rows, size).map(|chunk| close_all(chunk).touching(chunk.len() as u64, Conflict::Stale)).collect()
}

/// One statement for all of these.
fn close_all<'a>(rows: &[(&'a PromptClosed, ExecutionId)]) -> Statement<'a> {
    let each = repeat("WHEN ? THEN ?", " ", rows.len());
    let columns = ["status", "answer", "answered_by", "comment", "closed_at"];
    let sets: Vec<String> = columns.iter().map(|column| format!("{column} = CASE id {each} END")).collect();
    let wanted = repeat("(id = ? AND execution = ?)", " OR ", rows.len());
    let open = if planted::is(Bug::PromptTwice) { "1 = 1" } else { "status = 'open'" };
    let texts: [fn(&'a PromptClosed) -> Option<&'a str>; 4] =
        [|end| Some(end.status.word()), |end| end.answer.as_deref(), |end| end.by.as_deref(), |end| end.comment.as_deref()];
    let mut values: Vec<Value<'a>> = Vec::new();
    for text in texts {
        values.extend(rows.iter().flat_map(|(end, _)| [end.prompt.to_string().into(), text(end).into()]));
    }
    values.extend(rows.iter().flat_map(|(end, _)| [end.prompt.to_string().into(), time(end.at).into()]));
    values.extend(rows.iter().flat_map(|(end, execution)| [end.prompt.to_string().into(), execution.to_string().into()]));
    Statement::new(format!("UPDATE prompts SET {} WHERE {open} AND ({wanted})", sets.join(", ")), values)
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
