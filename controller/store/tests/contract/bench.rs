//! What every test stands on: a fresh database of an engine, a side door to it, and short ways to make rows.

use crate::test_database::TestDatabase;
use pulse_core::execution::{CancelMode, Created, Event, EventRecord, Summary, Trigger, TriggerKind};
use pulse_core::time::Timestamp;
use pulse_protocol::{AgentName, ExecutionId};
use pulse_store::{Store, WriteItem};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;
use uuid::Uuid;

/// The engines that the suite runs on.
#[derive(Debug, Clone, Copy)]
pub enum Engine {
    /// Embedded.
    Sqlite,
    /// A server, told by the environment.
    MariaDb,
}

/// A database of its own for one test.
pub struct Bench {
    pub url: String,
    /// The test's full name, by which it can be run alone.
    pub test: &'static str,
    folder: TempDir,
    /// Dropped with the test.
    _database: Option<TestDatabase>,
}

const CHILD: &str = "PULSE_CONTRACT_CHILD";

/// The database of this process, where it is a test's child.
#[expect(clippy::disallowed_methods, reason = "the test that runs itself as a child tells it so by its environment")]
pub fn child() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// Says, as a test's child, that this is written.
pub fn say_written(id: ExecutionId) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "written {id}").and_then(|()| out.flush()).expect("the parent listens");
}

/// The time of all tests.
pub const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

impl Bench {
    pub async fn new(engine: Engine, test: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let (url, database) = match engine {
            Engine::Sqlite => (format!("sqlite://{}", folder.path().join("pulse.db").display()), None),
            Engine::MariaDb => {
                let database = TestDatabase::new().await;
                (database.url.clone(), Some(database))
            }
        };
        Self { url, test, folder, _database: database }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub async fn open(&self) -> Store {
        Store::open(&self.url, "controller-1").await.expect("the store opens")
    }

    /// Another process's hand in the database.
    pub async fn meddle(&self, sql: &str) -> u64 {
        let mut connection = self.connect().await;
        let touched = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect(sql).rows_affected();
        connection.close().await.expect("the side door closes");
        touched
    }

    /// A count, read behind the store's back.
    pub async fn count(&self, sql: &str) -> i64 {
        let mut connection = self.connect().await;
        let count = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.expect(sql);
        connection.close().await.expect("the side door closes");
        count
    }

    /// A column of texts, read behind the store's back.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let mut connection = self.connect().await;
        let texts = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await.expect(sql);
        connection.close().await.expect("the side door closes");
        texts
    }

    /// Runs this test as a process of its own, which finds the database in its environment ([`child`]), and kills it once it has said
    /// `written …` so often. What it said that it had written.
    pub fn killed_after(&self, lines: usize) -> Vec<String> {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", self.test, "--nocapture"])
            .env(CHILD, &self.url)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let mut said = output.lines().map_while(Result::ok).filter_map(|line| line.strip_prefix("written ").map(str::to_owned));
        let mut ids: Vec<String> = said.by_ref().take(lines).collect();
        child.kill().expect("the child is killed");
        child.wait().expect("the child is gone");
        ids.extend(said.filter(|id| id.len() == 36));
        assert!(ids.len() >= lines);
        ids
    }

    async fn connect(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.url).await.expect("the side door opens")
    }
}

pub fn agent(name: &str) -> AgentName {
    name.parse().expect("an agent's name")
}

/// An execution that a test moves along.
#[derive(Debug, Clone)]
pub struct Run {
    pub summary: Summary,
}

impl Run {
    pub fn new(workflow: &str, number: i64) -> Self {
        let summary = Summary {
            id: ExecutionId(Uuid::now_v7()),
            source: "main".to_owned(),
            workflow: workflow.to_owned(),
            number,
            status: "pending",
            waits: None,
            terminal: false,
            commit: "c0ffee".to_owned(),
            snapshot: "5nap".to_owned(),
            started_by: "anna".to_owned(),
            schedule: None,
            retry_of: None,
            labels: BTreeMap::new(),
            created_at: NOW,
            started_at: None,
            ended_at: None,
            seq: 0,
            wake_at: None,
            message: None,
        };
        Self { summary }
    }

    pub fn id(&self) -> ExecutionId {
        self.summary.id
    }

    /// Its first item.
    pub fn create(&mut self) -> WriteItem {
        let summary = &self.summary;
        let created = Created {
            id: summary.id,
            workflow: summary.workflow.clone(),
            number: summary.number,
            source: summary.source.clone(),
            commit: summary.commit.clone(),
            snapshot: summary.snapshot.clone(),
            params: [("ticket".to_owned(), "OPS-7 'quoted' ✓".to_owned())].into(),
            given: None,
            selections: Vec::new(),
            limit: None,
            trigger: Trigger { kind: TriggerKind::Person, by: "anna".to_owned(), slot: None, reason: None },
            concurrency_key: None,
            queue_place: None,
            retry_of: summary.retry_of,
            carried: None,
            trace: None,
        };
        self.item(vec![Event::Created(Box::new(created))])
    }

    /// An item with these events after the last one.
    pub fn item(&mut self, events: Vec<Event>) -> WriteItem {
        let first = self.summary.seq + 1;
        let events: Vec<_> = (first..).zip(events).map(|(seq, event)| EventRecord { seq, at: NOW, event }).collect();
        self.summary.seq += u32::try_from(events.len()).expect("few events");
        WriteItem {
            execution: self.id(),
            events,
            summary: self.summary.clone(),
            take: Vec::new(),
            release: Vec::new(),
            attempts_opened: Vec::new(),
            attempts_closed: Vec::new(),
            prompts_opened: Vec::new(),
            prompts_closed: Vec::new(),
            snapshot: None,
            idempotency: None,
            advance: None,
            audit: Vec::new(),
        }
    }

    /// An event that can be told from others by its reason.
    pub fn note(&mut self, reason: &str) -> WriteItem {
        self.item(vec![Event::CancelRequested { mode: CancelMode::Drain, by: "anna".to_owned(), reason: reason.to_owned() }])
    }

    /// Ends it.
    pub fn end(&mut self) -> WriteItem {
        self.summary.status = "succeeded";
        self.summary.terminal = true;
        self.summary.ended_at = Some(NOW);
        self.summary.wake_at = None;
        self.item(vec![Event::Resumed])
    }
}

/// A new execution, written.
pub async fn started(store: &Store, workflow: &str, number: i64) -> Run {
    let mut run = Run::new(workflow, number);
    store.writer().submit(run.create()).await.expect("a new execution is written");
    run
}
