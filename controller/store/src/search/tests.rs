//! Searches among 200,000 executions: each answer is what a plain look at every row gives, is read off an index without sorting,
//! and is there in a moment.

use super::{COMMITS, ExecutionFilter, Statement};
use crate::dialect::Dialect;
use crate::test_room::{Room, on_both_engines};
use pulse_core::time::Timestamp;
use pulse_core::transition::{ExecutionEnd, ExecutionState};
use pulse_protocol::ExecutionId;
use pulse_protocol::failpoint::Act;
use sqlx::{AssertSqlSafe, Row};
use std::fmt::Write;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

const ROWS: usize = 200_000;
const PAGE: u32 = 50;
const SECOND: i64 = 1_000_000;
const BEGIN: i64 = 1_700_000_000 * SECOND;

/// Far above what a page takes, far below what reading every row with a database's round trip would.
const BOUND: Duration = Duration::from_secs(5);

/// An execution of the test, from the oldest on.
#[derive(Debug, Clone)]
struct Made {
    id: ExecutionId,
    source: &'static str,
    workflow: String,
    status: &'static str,
    commit: String,
    started_by: &'static str,
    created_at: i64,
    labels: Vec<(&'static str, &'static str)>,
    agents: Vec<String>,
}

fn made(index: usize) -> Made {
    let place = index as u128;
    let millis = BEGIN as u128 / 1000 + place * 1000;
    let workflow = index % 50;
    let mut labels = vec![("team", if workflow < 25 { "infra" } else { "web" })];
    labels.extend((workflow == 3).then_some(("tier", "gold")));
    let mut agents = vec![format!("web{}", index % 1000)];
    agents.extend((index % 2 == 1).then(|| "db".to_owned()));
    // A clock that was a day behind for a while: the ids are its own, the times are not in their order.
    let behind = if (90_000..90_010).contains(&index) { 86_400 } else { 0 };
    Made {
        id: ExecutionId(Uuid::from_u128((millis << 80) | (7 << 76) | (2 << 62) | place)),
        source: if index.is_multiple_of(1000) { "other" } else { "main" },
        workflow: format!("w{workflow}"),
        status: if index.is_multiple_of(97) { "failed" } else { "succeeded" },
        commit: if index.is_multiple_of(50_001) { "abcdef0123456789".to_owned() } else { format!("{:07x}cafe", index / 20_000) },
        started_by: match index {
            5 | 77_777 | 150_000 => "rare",
            _ if index.is_multiple_of(2) => "anna",
            _ => "schedule/nightly",
        },
        created_at: BEGIN + i64::try_from(index).unwrap() * SECOND - behind * SECOND,
        labels,
        agents,
    }
}

impl Made {
    fn meets(&self, filter: &ExecutionFilter) -> bool {
        let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
        is(&filter.workflow, &self.workflow)
            && is(&filter.source, self.source)
            && is(&filter.started_by, self.started_by)
            && filter.status.is_none_or(|status| status.as_str() == self.status)
            && filter.commit.as_ref().is_none_or(|commit| self.commit.starts_with(commit))
            && filter.labels.iter().all(|(key, value)| self.labels.contains(&(key, value)))
            && filter.agent.as_ref().is_none_or(|agent| self.agents.iter().any(|name| name == agent.as_str()))
            && filter.since.is_none_or(|since| self.created_at >= since.0)
            && filter.until.is_none_or(|until| self.created_at < until.0)
    }
}

async fn fill(room: &Room, rows: &[Made]) {
    let mut transaction = room.store.database.begin().await.unwrap();
    for (chunk, rows) in rows.chunks(2000).enumerate() {
        let (mut executions, mut labels, mut attempts) = (Vec::new(), Vec::new(), Vec::new());
        for (place, row) in rows.iter().enumerate() {
            let number = chunk * 2000 + place;
            let Made { id, source, workflow, status, commit, started_by, created_at, .. } = row;
            executions.push(format!(
                "('{id}',0,'{source}','{workflow}',{number},'{status}',1,'{commit}','s','{started_by}',{created_at},1,0,1)"
            ));
            labels.extend(row.labels.iter().map(|(key, value)| format!("('{key}','{value}','{id}')")));
            for (agent, name) in row.agents.iter().enumerate() {
                // Some have two attempts: the execution is still one.
                for attempt in 0..1 + usize::from(number.is_multiple_of(3)) {
                    let attempt =
                        Uuid::from_u128((row.id.0.as_u128() & !0xff_ffff) | (place << 2 | agent << 1 | attempt) as u128);
                    attempts.push(format!("('{attempt}','{id}','{name}','i','closed')"));
                }
            }
        }
        for (table, values) in [
            (
                "executions (id,part,source,workflow,number,status,terminal,commit_id,snapshot,started_by,created_at,seq,prior_seq,revision)",
                executions,
            ),
            ("execution_labels (label_key,label_value,execution)", labels),
            ("attempts (attempt,execution,agent,incarnation,state)", attempts),
        ] {
            let insert = format!("INSERT INTO {table} VALUES {}", values.join(","));
            sqlx::raw_sql(AssertSqlSafe(insert)).execute(&mut *transaction).await.unwrap();
        }
    }
    transaction.commit(Act::Commit).await.unwrap();
}

/// Filters, with the index that is to be used where there is no doubt.
fn filters() -> Vec<(ExecutionFilter, Option<&'static str>)> {
    let all = ExecutionFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let label = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
    let at = |index: i64| Some(Timestamp(BEGIN + index * SECOND));
    let failed = Some(ExecutionState::Ended(ExecutionEnd::Failed));
    let agent = |name: &str| Some(name.parse().unwrap());
    vec![
        (all(), None),
        (ExecutionFilter { workflow: text("w7"), ..all() }, Some("executions_by_workflow")),
        (ExecutionFilter { status: failed, ..all() }, Some("executions_by_status")),
        (ExecutionFilter { workflow: text("w7"), status: failed, ..all() }, Some("executions_by_workflow_status")),
        (ExecutionFilter { source: text("other"), ..all() }, None),
        (ExecutionFilter { source: text("other"), workflow: text("w0"), ..all() }, Some("executions_by_workflow")),
        (ExecutionFilter { started_by: text("anna"), ..all() }, Some("executions_by_starter")),
        (ExecutionFilter { commit: text("abcdef0"), ..all() }, Some("executions_by_commit")),
        (ExecutionFilter { commit: text("0000004cafe"), ..all() }, Some("executions_by_commit")),
        (ExecutionFilter { commit: text("0000004d"), ..all() }, None),
        (ExecutionFilter { labels: label("tier", "gold"), ..all() }, Some("label_key")),
        (ExecutionFilter { agent: agent("web17"), ..all() }, Some("attempts_of_agent")),
        (ExecutionFilter { agent: agent("db"), ..all() }, Some("attempts_of_agent")),
        // The rare one of two is the way, whichever it is.
        (ExecutionFilter { started_by: text("rare"), labels: label("team", "infra"), ..all() }, Some("executions_by_starter")),
        (ExecutionFilter { started_by: text("anna"), agent: agent("web18"), ..all() }, Some("attempts_of_agent")),
        (ExecutionFilter { commit: text("abcdef0"), agent: agent("db"), ..all() }, Some("executions_by_commit")),
        (ExecutionFilter { labels: [label("team", "infra"), label("tier", "gold")].concat(), ..all() }, None),
        // Nothing meets both, and both are met by many.
        (ExecutionFilter { labels: label("team", "web"), workflow: text("w3"), ..all() }, Some("executions_by_workflow")),
        (ExecutionFilter { agent: agent("db"), started_by: text("anna"), ..all() }, None),
        // Times: a moment long ago, a moment of a clock that was behind, the last ones, everything.
        (ExecutionFilter { since: at(100), until: at(170), ..all() }, None),
        (ExecutionFilter { since: at(3600), until: at(3620), ..all() }, None),
        (ExecutionFilter { since: at(ROWS as i64 - 10), ..all() }, None),
        (ExecutionFilter { until: at(90_005), ..all() }, None),
        (ExecutionFilter { since: at(0), until: at(ROWS as i64), started_by: text("rare"), ..all() }, None),
        (ExecutionFilter { since: at(10), until: at(10), ..all() }, None),
        (
            ExecutionFilter {
                until: at(100_000),
                agent: agent("web10"),
                labels: label("team", "infra"),
                status: failed,
                ..all()
            },
            None,
        ),
        (
            ExecutionFilter {
                workflow: text("w3"),
                source: text("main"),
                status: Some(ExecutionState::Ended(ExecutionEnd::Succeeded)),
                labels: [label("tier", "gold"), label("team", "infra")].concat(),
                started_by: text("schedule/nightly"),
                agent: agent("db"),
                commit: text("0000001"),
                since: at(30_000),
                until: at(39_000),
            },
            None,
        ),
        (ExecutionFilter { started_by: text("nobody"), ..all() }, Some("executions_by_starter")),
    ]
}

/// What the engine says that it does.
async fn explained(room: &Room, statement: &Statement) -> String {
    let mut reader = room.store.reader().await.unwrap();
    let before = match room.store.database.ground.dialect {
        Dialect::Sqlite { .. } => "EXPLAIN QUERY PLAN ",
        Dialect::MariaDb { .. } => "EXPLAIN FORMAT=JSON ",
    };
    let rows = statement.query(before).fetch_all(&mut *reader).await.unwrap();
    rows.iter().fold(String::new(), |mut text, row| {
        let column = row.len() - 1;
        let _ = writeln!(text, "{}", row.try_get::<String, _>(column).unwrap());
        text
    })
}

async fn searches_are_right_and_quick_among_many(room: Room) {
    let rows: Vec<Made> = (0..ROWS).map(made).collect();
    fill(&room, &rows).await;
    let store = &room.store;
    let mut slowest = Vec::new();
    for (filter, index) in filters() {
        let mut expected = rows.iter().rev().filter(|row| row.meets(&filter)).map(|row| row.id);
        let mut cursor = None;
        for page in 0..3 {
            let begun = Instant::now();
            let found = store.executions(&filter, PAGE, cursor).await.unwrap();
            let took = begun.elapsed();
            assert!(took < BOUND, "page {page} of {filter:?} took {took:?}");
            slowest.push((took, format!("{filter:?}")));
            let ids: Vec<_> = found.items.into_iter().map(|row| row.unwrap().id).collect();
            assert_eq!(ids, expected.by_ref().take(PAGE as usize).collect::<Vec<_>>(), "page {page} of {filter:?}");
            let more = expected.clone().next().is_some();
            assert_eq!(found.next.is_some(), more, "page {page} of {filter:?}");
            cursor = found.next;
            if !more {
                break;
            }
        }
        let mut reader = store.reader().await.unwrap();
        let Some(statement) = store.statement(&mut reader, &filter, PAGE, None).await.unwrap() else { continue };
        drop(reader);
        let plan = explained(&room, &statement).await;
        let sorts = ["TEMP B-TREE", "filesort", "temporary"].into_iter().any(|word| plan.contains(word));
        assert!(!sorts && index.is_none_or(|index| plan.contains(index)), "{filter:?}: {}\n{plan}", statement.text);
    }
    slowest.sort_unstable();
    for (took, filter) in slowest.iter().rev().take(4) {
        eprintln!("{took:?} for {filter}");
    }
}

async fn the_beginning_of_a_commit_names_a_few_at_most(room: Room) {
    let rows: Vec<Made> = (0..=COMMITS).map(|index| Made { commit: format!("1234567{index:02}"), ..made(index) }).collect();
    fill(&room, &rows).await;
    let page = async |commit: &str| {
        let filter = ExecutionFilter { commit: Some(commit.to_owned()), ..ExecutionFilter::default() };
        room.store.executions(&filter, PAGE, None).await.map(|page| page.items.len())
    };
    assert_eq!((page("12345671").await.unwrap(), page("123456701").await.unwrap()), (COMMITS - 9, 1));
    assert_eq!((page("1234568").await.unwrap(), page("1234566").await.unwrap(), page("1234567%").await.unwrap()), (0, 0, 0));
    for (commit, word) in
        [("123456", "7 at least"), ("1234567", "more than 16"), (&"1".repeat(65), "64 at most"), ("123456ü", "ASCII")]
    {
        let error = page(commit).await.unwrap_err();
        assert!(error.code() == "store_value" && error.to_string().contains(word), "{error}");
    }
}

on_both_engines! {
    searches_are_right_and_quick_among_many
    the_beginning_of_a_commit_names_a_few_at_most
}
