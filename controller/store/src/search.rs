//! Lists of executions: what people search by, all of it combined, newest first, a page at a time.
//!
//! Every condition has an index that ends with the execution's id, so a page is read off one of them from the newest on, and the
//! other conditions are asked of each row. No engine knows which of several conditions lets the fewest rows through: so a bounded
//! count of each is taken first, and the statement says which index is used ([`plan`]).

mod plan;
#[cfg(test)]
mod tests;

use crate::executions::COLUMNS;
use crate::page::Page;
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{Query, built};
use crate::{Error, Store, bounds};
use plan::{Conditions, Statement, Way};
use pulse_core::execution::Summary;
use pulse_core::time::Timestamp;
use pulse_core::transition::ExecutionState;
use pulse_protocol::{AgentName, ExecutionId};
use sqlx::AnyConnection;

/// Which executions to list: those that meet every condition that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionFilter {
    /// Of this workflow.
    pub workflow: Option<String>,
    /// Of this source.
    pub source: Option<String>,
    /// With this status; the reason of a waiting one is not looked at.
    pub status: Option<ExecutionState>,
    /// Whose workflow had each of these labels, key and value, when they started.
    pub labels: Vec<(String, String)>,
    /// Started by this person, or by `schedule/<name>`.
    pub started_by: Option<String>,
    /// That had an attempt on this agent.
    pub agent: Option<AgentName>,
    /// Pinned to the commit that begins so; at least [`SHORTEST_COMMIT`] characters.
    pub commit: Option<String>,
    /// Accepted at this time or later.
    pub since: Option<Timestamp>,
    /// Accepted before this time.
    pub until: Option<Timestamp>,
}

/// Characters of a commit that are enough to name it.
pub const SHORTEST_COMMIT: usize = 7;

/// Most commits that one beginning may name.
const COMMITS: usize = 16;

impl ExecutionFilter {
    fn check(&self) -> Result<(), Error> {
        let Some(commit) = &self.commit else { return Ok(()) };
        bounds::ascii("a commit", commit, bounds::DIGEST)?;
        match commit.len() {
            length if length < SHORTEST_COMMIT => {
                let reason = format!("it has {length} characters, {SHORTEST_COMMIT} at least");
                Err(Error::Value { what: "the beginning of a commit", reason })
            }
            _ => Ok(()),
        }
    }
}

impl Store {
    /// Executions, newest first. `cursor` is [`Page::next`] of the page before. An error if the beginning of a commit is too short,
    /// or is that of too many commits.
    pub async fn executions(
        &self,
        filter: &ExecutionFilter,
        limit: u32,
        cursor: Option<ExecutionId>,
    ) -> Result<Page<Summary>, Error> {
        filter.check()?;
        let mut reader = self.reader().await?;
        let Some(statement) = self.statement(&mut reader, filter, limit, cursor).await? else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        let items = list::<Summary>(&mut reader, statement.query("")).await?;
        Ok(Page::cut(items, limit, |row| row.id))
    }

    /// The statement that reads a page; none where nothing can be on it.
    async fn statement(
        &self,
        reader: &mut AnyConnection,
        filter: &ExecutionFilter,
        limit: u32,
        cursor: Option<ExecutionId>,
    ) -> Result<Option<Statement>, Error> {
        let dialect = &self.database.ground.dialect;
        let mut conditions = Conditions::of(filter, cursor);
        if let Some(commit) = &filter.commit {
            let commits = commits(reader, commit).await?;
            if commits.is_empty() {
                return Ok(None);
            }
            conditions.of_commits(commits);
        }
        if filter.since.is_some() || filter.until.is_some() {
            let Some(span) = one::<Span>(reader, conditions.ids_of_time(dialect).query("")).await?.and_then(|Span(span)| span)
            else {
                return Ok(None);
            };
            conditions.within(span);
        }
        let ways = conditions.ways();
        let way = match ways.as_slice() {
            [] => Way::WHOLE,
            [only] => only.clone(),
            several => {
                let counts = list::<Found>(reader, conditions.count(dialect, several).query("")).await?;
                let counts = counts.into_iter().collect::<Result<Vec<_>, _>>()?;
                let best = counts.into_iter().min_by_key(|found| (found.rows, found.way)).map_or(0, |found| found.way);
                several.get(best).cloned().unwrap_or(Way::WHOLE)
            }
        };
        Ok(Some(conditions.page(dialect, &way, COLUMNS, Page::<Summary>::to_read(limit))))
    }
}

/// The commits of executions that begin so, found by one step in the index for each.
async fn commits(reader: &mut AnyConnection, beginning: &str) -> Result<Vec<String>, Error> {
    // Every commit that begins so is before this: nothing in one comes after the last character of ASCII.
    let end = format!("{beginning}\u{7f}");
    let mut found: Vec<String> = Vec::new();
    loop {
        let (after, from) = found.last().map_or((">=", beginning), |last| (">", last.as_str()));
        let select =
            built(format!("SELECT MIN(commit_id) AS first_commit FROM executions WHERE commit_id {after} ? AND commit_id < ?"));
        let select: Query = select.bind(from.to_owned()).bind(end.clone());
        let Some(Commit(Some(commit))) = one(reader, select).await? else { return Ok(found) };
        if found.len() == COMMITS {
            let reason = format!("{beginning} is that of more than {COMMITS} commits; give more of it");
            return Err(Error::Value { what: "the beginning of a commit", reason });
        }
        found.push(commit);
    }
}

struct Commit(Option<String>);

impl FromRow for Commit {
    const TABLE: &'static str = "executions";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        row.get("first_commit").map(Self)
    }
}

/// The least and the greatest id of a time.
struct Span(Option<(String, String)>);

impl FromRow for Span {
    const TABLE: &'static str = "executions";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let (first, last): (Option<String>, Option<String>) = (row.get("first_id")?, row.get("last_id")?);
        Ok(Self(first.zip(last)))
    }
}

/// How many rows a way has, as far as they were counted.
struct Found {
    way: usize,
    rows: i64,
}

impl FromRow for Found {
    const TABLE: &'static str = "executions";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self { way: row.number("way")?, rows: row.get("found")? })
    }
}
