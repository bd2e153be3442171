//! Statements that read a page of executions. A [`Way`] is an index to read it off; all of it is text, so that a test can ask each
//! engine what it makes of it.

use super::ExecutionFilter;
use crate::columns::{Word, time};
use crate::dialect::Dialect;
use crate::sql::{Query, built, repeat};
use pulse_core::time::Timestamp;
use pulse_protocol::ExecutionId;

/// Rows of a way that are counted before it is chosen. More than that are many, however many there are.
const COUNTED: i64 = 2000;

/// A bound value.
#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Number(i64),
}

/// Text of SQL with its values in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Statement {
    pub(super) text: String,
    values: Vec<Value>,
}

impl Statement {
    fn of(text: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Self {
        Self { text: text.into(), values: values.into_iter().collect() }
    }

    /// With these words before it.
    pub(super) fn query(&self, before: &str) -> Query {
        self.values.iter().fold(built(format!("{before}{}", self.text)), |query, value| match value {
            Value::Text(text) => query.bind(text.clone()),
            Value::Number(number) => query.bind(*number),
        })
    }

    fn push(&mut self, other: Self) {
        self.text.push_str(&other.text);
        self.values.extend(other.values);
    }
}

/// `WHERE` all of these; nothing where there are none.
fn all_of(conditions: Vec<Statement>) -> Statement {
    let mut clause = Statement::default();
    for (place, condition) in conditions.into_iter().enumerate() {
        clause.text.push_str(if place == 0 { " WHERE " } else { " AND " });
        clause.push(condition);
    }
    clause
}

/// An index off which a page is read, from the newest execution on.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// Of the executions themselves; none for their primary key.
    Own(Option<&'static str>),
    /// Of the executions with a label.
    Label(String, String),
    /// Of the attempts of an agent.
    Agent(String),
}

impl Way {
    /// All executions there are.
    pub(super) const WHOLE: Self = Self::Own(None);

    const fn table(&self) -> &'static str {
        match self {
            Self::Own(_) => "executions",
            Self::Label(..) => "execution_labels",
            Self::Agent(_) => "attempts",
        }
    }

    /// Its index; none for the primary key.
    const fn index(&self) -> Option<&'static str> {
        match self {
            Self::Own(index) => *index,
            Self::Label(..) => None,
            Self::Agent(_) => Some("attempts_of_agent"),
        }
    }

    /// The column with the execution's id.
    const fn id(&self) -> &'static str {
        match self {
            Self::Own(_) => "e.id",
            Self::Label(..) | Self::Agent(_) => "d.execution",
        }
    }

    /// `FROM` its table alone.
    fn from(&self, dialect: &Dialect) -> String {
        let name = if matches!(self, Self::Own(_)) { "e" } else { "d" };
        format!("FROM {} AS {name} {}", self.table(), dialect.by_index(self.table(), self.index()))
    }

    /// What its rows have in common, where the executions do not say it themselves.
    fn condition(&self) -> Option<Statement> {
        let text = |text: &str| Value::Text(text.to_owned());
        match self {
            Self::Own(_) => None,
            Self::Label(key, value) => Some(Statement::of("d.label_key = ? AND d.label_value = ?", [text(key), text(value)])),
            Self::Agent(agent) => Some(Statement::of("d.agent = ?", [text(agent)])),
        }
    }
}

/// The conditions of a list.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    /// Of the execution's own row, each with the index that serves it.
    own: Vec<(Statement, Option<&'static str>)>,
    labels: Vec<(String, String)>,
    agent: Option<String>,
    created: Vec<Statement>,
    /// Bounds of the id: operator and value.
    ids: Vec<(&'static str, String)>,
}

impl Conditions {
    pub(super) fn of(filter: &ExecutionFilter, cursor: Option<ExecutionId>) -> Self {
        let is = |column: &str, value: &str| Statement::of(format!("e.{column} = ?"), [Value::Text(value.to_owned())]);
        let mut own = Vec::new();
        own.extend(filter.started_by.as_ref().map(|by| (is("started_by", by), Some("executions_by_starter"))));
        match (&filter.workflow, filter.status.map(Word::word)) {
            (Some(workflow), Some(status)) => {
                let both = [workflow.as_str(), status].map(|value| Value::Text(value.to_owned()));
                own.push((Statement::of("e.workflow = ? AND e.status = ?", both), Some("executions_by_workflow_status")));
            }
            (Some(workflow), None) => own.push((is("workflow", workflow), Some("executions_by_workflow"))),
            (None, Some(status)) => own.push((is("status", status), Some("executions_by_status"))),
            (None, None) => {}
        }
        own.extend(filter.source.as_ref().map(|source| (is("source", source), None)));
        let created = |operator: &str, at: Option<Timestamp>| {
            at.map(|at| Statement::of(format!("e.created_at {operator} ?"), [Value::Number(time(at))]))
        };
        Self {
            own,
            labels: filter.labels.clone(),
            agent: filter.agent.as_ref().map(|agent| agent.as_str().to_owned()),
            created: created(">=", filter.since).into_iter().chain(created("<", filter.until)).collect(),
            ids: cursor.into_iter().map(|id| ("<", id.to_string())).collect(),
        }
    }

    /// Only executions of these commits.
    pub(super) fn of_commits(&mut self, commits: Vec<String>) {
        let wanted = format!("e.commit_id IN ({})", repeat("?", ",", commits.len()));
        let condition = Statement::of(wanted, commits.into_iter().map(Value::Text));
        self.own.insert(0, (condition, Some("executions_by_commit")));
    }

    /// The least and the greatest id of the executions of the time that is asked for. Ids sort by time as well, but for what a clock
    /// did that was set; so nothing else is between these two, as a rule.
    pub(super) fn ids_of_time(&self, dialect: &Dialect) -> Statement {
        let from = Way::Own(Some("executions_by_creation")).from(dialect);
        let mut statement = Statement::of(format!("SELECT MIN(e.id) AS first_id, MAX(e.id) AS last_id {from}"), []);
        statement.push(all_of(self.created.clone()));
        statement
    }

    /// Only executions between these ids, and these.
    pub(super) fn within(&mut self, (first, last): (String, String)) {
        self.ids.extend([(">=", first), ("<=", last)]);
    }

    /// Every way to read the list; of two with many rows the first is the cheaper one.
    pub(super) fn ways(&self) -> Vec<Way> {
        let agent = self.agent.iter().cloned().map(Way::Agent);
        let labels = self.labels.iter().cloned().map(|(key, value)| Way::Label(key, value));
        let own = self.own.iter().filter_map(|(_, index)| *index).map(|index| Way::Own(Some(index)));
        own.chain(labels).chain(agent).collect()
    }

    /// Counts the rows of each way, up to a bound.
    pub(super) fn count(&self, dialect: &Dialect, ways: &[Way]) -> Statement {
        let mut statement = Statement::default();
        for (place, way) in ways.iter().enumerate() {
            let union = if place == 0 { "" } else { " UNION ALL " };
            let from = way.from(dialect);
            let select = format!("{union}SELECT {place} AS way, COUNT(*) AS found FROM (SELECT 1 AS one {from}");
            statement.push(Statement::of(select, []));
            // Only what the index itself holds, so that no row is read.
            let served = self.own.iter().filter(|(_, index)| matches!(way, Way::Own(own) if own == index));
            let own = served.map(|(condition, _)| condition.clone());
            statement.push(all_of(way.condition().into_iter().chain(own).chain(self.id_bounds(way)).collect()));
            statement.push(Statement::of(format!(" LIMIT ?) AS w{place}"), [Value::Number(COUNTED)]));
        }
        statement
    }

    /// Reads a page.
    pub(super) fn page(&self, dialect: &Dialect, way: &Way, columns: &str, rows: i64) -> Statement {
        let from = way.from(dialect);
        let mut statement = Statement::of(format!("SELECT {columns} {from}"), []);
        if !matches!(way, Way::Own(_)) {
            statement.text.push_str(&format!(" {} executions AS e ON e.id = d.execution", dialect.join_in_order()));
        }
        let own = self.own.iter().map(|(condition, _)| condition.clone());
        let created = self.created.iter().cloned();
        let conditions = way.condition().into_iter().chain(once(way)).chain(self.id_bounds(way)).chain(own).chain(created);
        statement.push(all_of(conditions.chain(self.others(way)).collect()));
        statement.push(Statement::of(format!(" ORDER BY {} DESC LIMIT ?", way.id()), [Value::Number(rows)]));
        statement
    }

    fn id_bounds(&self, way: &Way) -> impl Iterator<Item = Statement> {
        let id = way.id();
        self.ids.iter().map(move |(operator, value)| Statement::of(format!("{id} {operator} ?"), [Value::Text(value.clone())]))
    }

    /// Labels and agent that the way does not see to, asked of each row. A count and no `EXISTS`, which an engine could make a join
    /// of, in an order of its own.
    fn others(&self, way: &Way) -> Vec<Statement> {
        let labels = self.labels.iter().filter(|(key, value)| !matches!(way, Way::Label(k, v) if k == key && v == value));
        let labels = labels.map(|(key, value)| {
            let text = "(SELECT COUNT(*) FROM execution_labels AS l WHERE l.label_key = ? AND l.label_value = ? \
                AND l.execution = e.id) > 0";
            Statement::of(text, [Value::Text(key.clone()), Value::Text(value.clone())])
        });
        let agent = self.agent.iter().filter(|_| !matches!(way, Way::Agent(_))).map(|agent| {
            let text = "(SELECT COUNT(*) FROM attempts AS a WHERE a.agent = ? AND a.execution = e.id) > 0";
            Statement::of(text, [Value::Text(agent.clone())])
        });
        labels.chain(agent).collect()
    }
}

/// An agent can have had several attempts of one execution; its first one stands for all.
fn once(way: &Way) -> Option<Statement> {
    let first = "d.attempt = (SELECT MIN(f.attempt) FROM attempts AS f WHERE f.agent = d.agent AND f.execution = d.execution)";
    matches!(way, Way::Agent(_)).then(|| Statement::of(first, []))
}
