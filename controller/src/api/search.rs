//! The parameters by which executions are searched. `label` may come several times, and all of them must hold; any other parameter
//! comes once.

use super::Problem;
use super::list::limit;
use pulse_core::Timestamp;
use pulse_core::transition::{ExecutionEnd, ExecutionState, WaitReason};
use pulse_protocol::ExecutionId;
use pulse_store::ExecutionFilter;
use std::collections::BTreeSet;

/// Labels of one search.
const MAX_LABELS: usize = 20;

/// The parameters, in their order.
#[derive(Debug, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct SearchQuery(pub(super) Vec<(String, String)>);

/// The parameters of a search, for the document.
#[derive(schemars::JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is needed: each parameter is read by hand, to say what is wrong with it")]
struct SearchParameters {
    /// Of this workflow.
    workflow: Option<String>,
    /// Of workflows of this source.
    source: Option<String>,
    /// In this state.
    #[schemars(with = "Option<super::answers::words::ExecutionStatus>")]
    status: Option<String>,
    /// With this label, `key=value`; several with commas or as several parameters, at most 20: all must hold.
    label: Option<Vec<String>>,
    /// Started by this person, or by `schedule/<name>`.
    started_by: Option<String>,
    /// With an attempt on this agent.
    agent: Option<String>,
    /// Of this commit: its beginning, from 7 characters on.
    commit: Option<String>,
    /// Accepted from this time on.
    since: Option<Timestamp>,
    /// Accepted before this time.
    until: Option<Timestamp>,
    /// Items of the page: 100 unless said, at most 500.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    limit: Option<u32>,
    /// The `nextCursor` of the page before.
    cursor: Option<ExecutionId>,
}

impl schemars::JsonSchema for SearchQuery {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        SearchParameters::schema_name()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        SearchParameters::json_schema(generator)
    }
}

/// What is searched for, and which page of it.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) filter: ExecutionFilter,
    pub(super) limit: u32,
    pub(super) cursor: Option<ExecutionId>,
}

impl Search {
    /// Reads the query's parameters, in their order.
    pub(super) fn of(query: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut search = Self { filter: ExecutionFilter::default(), limit: limit(None)?, cursor: None };
        let mut seen = BTreeSet::new();
        for (name, value) in query {
            if name != "label" && seen.contains(&name) {
                return Err(Problem::parameter(&name, "it comes twice"));
            }
            search.take(&name, value)?;
            seen.insert(name);
        }
        let ExecutionFilter { since, until, .. } = search.filter;
        match since.zip(until) {
            Some((since, until)) if since >= until => Err(Problem::parameter("until", "it must be later than `since`")),
            _ => Ok(search),
        }
    }

    fn take(&mut self, name: &str, value: String) -> Result<(), Problem> {
        let filter = &mut self.filter;
        match name {
            "workflow" => filter.workflow = Some(value),
            "source" => filter.source = Some(value),
            "status" => filter.status = Some(status(&value)?),
            "label" => {
                filter.labels.extend(labels(&value)?);
                if filter.labels.len() > MAX_LABELS {
                    return Err(Problem::parameter(name, format!("at most {MAX_LABELS} labels")));
                }
            }
            "startedBy" => filter.started_by = Some(value),
            "agent" => {
                let agent = value.parse().map_err(|error| Problem::parameter(name, format!("it is no agent's name: {error}")))?;
                filter.agent = Some(agent);
            }
            "commit" => filter.commit = Some(value),
            "since" => filter.since = Some(time(name, &value)?),
            "until" => filter.until = Some(time(name, &value)?),
            "limit" => {
                let asked = value.parse().map_err(|_| Problem::parameter(name, "it must be a whole number from 1 on"))?;
                self.limit = limit(Some(asked))?;
            }
            "cursor" => {
                let wrong = |_| Problem::parameter(name, "it is not the `nextCursor` of a page before");
                self.cursor = Some(value.parse().map_err(wrong)?);
            }
            _ => {
                let shown: String = name.chars().take(100).collect();
                return Err(Problem::parameter(&shown, format!("there is no such parameter; there are {NAMES}")));
            }
        }
        Ok(())
    }
}

const NAMES: &str = "workflow, source, status, label, startedBy, agent, commit, since, until, limit and cursor";

fn labels(text: &str) -> Result<Vec<(String, String)>, Problem> {
    let one = |item: &str| {
        let (key, value) = item.split_once('=').filter(|(key, _)| !key.is_empty() && !key.ends_with('!'))?;
        Some((key.to_owned(), value.to_owned()))
    };
    let wrong =
        || Problem::parameter("label", "write `key=value`, and several with commas or as several parameters: all must hold");
    text.split(',').map(str::trim).map(|item| one(item).ok_or_else(wrong)).collect()
}

pub(super) fn time(name: &str, text: &str) -> Result<Timestamp, Problem> {
    let wrong = |_| {
        let said = "it is no RFC 3339 time such as `2026-11-21T12:00:00Z`; in a URL, `+` is written `%2B`";
        Problem::parameter(name, said)
    };
    text.parse::<jiff::Timestamp>().map(|at| Timestamp(at.as_microsecond())).map_err(wrong)
}

fn status(word: &str) -> Result<ExecutionState, Problem> {
    use ExecutionState as State;
    let all = [
        State::Pending,
        State::Running,
        State::Waiting(WaitReason::Unknown),
        State::Ended(ExecutionEnd::Succeeded),
        State::Ended(ExecutionEnd::Failed),
        State::Ended(ExecutionEnd::Cancelled),
    ];
    let found = all.into_iter().find(|state| state.as_str() == word);
    let words = || all.map(State::as_str).join(", ");
    found.ok_or_else(|| Problem::parameter("status", format!("it is none of {}", words())))
}
