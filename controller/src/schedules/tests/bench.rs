//! A controller without its loops: a test sets the clock, looks at every schedule until nothing is added, and reads the rows.

use crate::agents::FleetHandle;
use crate::clock::Clock;
use crate::engine::{Engine, EngineError, ScheduleKey};
use crate::schedules::Scheduler;
use crd_schemas::Manifest;
use pulse_core::Timestamp;
use pulse_core::definitions::digest;
use pulse_core::execution::CancelMode;
use pulse_protocol::ExecutionId;
use pulse_store::{Apply, DefinitionKey, Enrolment, NewDefinition, NewToken, Store, SyncOutcome, SyncRecord};
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use std::collections::BTreeSet;
use tokio::task::JoinHandle;
use uuid::Uuid;

pub(crate) const SOURCE: &str = "main";
pub(crate) const START: &str = "2026-11-21T12:00Z";

/// An instant from `2026-03-29T01:00Z`.
pub(crate) fn at(text: &str) -> Timestamp {
    let full = if text.len() == START.len() { text.replace('Z', ":00Z") } else { text.to_owned() };
    Timestamp(full.parse::<jiff::Timestamp>().unwrap_or_else(|error| panic!("{text}: {error}")).as_microsecond())
}

/// A schedule with these fields, which starts `work` unless they say something else.
pub(crate) fn schedule(name: &str, mut spec: Value) -> Value {
    if spec.get("command").is_none() && spec.get("workflow").is_none() {
        spec["workflow"] = json!("work");
    }
    json!({"kind": "Schedule", "metadata": {"name": name}, "spec": spec})
}

/// A workflow of one step: one that waits for an agent that is away until it is cancelled, or one that is over at once.
pub(crate) fn workflow(name: &str, concurrency: &str, over_at_once: bool) -> Value {
    let mut step = json!({"id": "go", "type": "execute", "targets": ["web1"], "command": "true", "onOffline": "wait 24h"});
    if over_at_once {
        step["when"] = json!("1 > 2");
    }
    let spec = json!({"concurrency": {"policy": concurrency}, "steps": [step]});
    json!({"kind": "Workflow", "metadata": {"name": name}, "spec": spec})
}

pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    pub(crate) scheduler: Scheduler,
    pub(crate) clock: Clock,
    url: String,
    live: BTreeSet<DefinitionKey>,
    running: JoinHandle<()>,
    folder: tempfile::TempDir,
}

impl Bench {
    /// With these manifests live since [`START`], and settled.
    pub(crate) async fn new(manifests: &[Value]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("pulse.db").display());
        let store = Store::open(&url, "test").await.unwrap();
        enrol(&store).await;
        let clock = Clock::standing(at(START));
        let (engine, scheduler, running) = boot(&store, &clock).await;
        let mut bench = Self { store, engine, scheduler, clock, url, live: BTreeSet::new(), running, folder };
        bench.sync(manifests).await;
        bench.settle().await;
        bench
    }

    /// These are live, and nothing else.
    pub(crate) async fn sync(&mut self, manifests: &[Value]) {
        let now = apply(&self.store, manifests, &self.live).await;
        self.live = now;
        self.engine.definitions_changed().await.unwrap();
    }

    /// The controller ends and another one begins on the same database.
    pub(crate) async fn restart(self) -> Self {
        let Self { store, engine, scheduler, clock, url, live, running, folder } = self;
        engine.stop();
        running.await.unwrap();
        drop((engine, scheduler));
        store.close().await;
        let store = Store::open(&url, "test").await.unwrap();
        let (engine, scheduler, running) = boot(&store, &clock).await;
        Self { store, engine, scheduler, clock, url, live, running, folder }
    }

    /// Looks at everything until nothing is added. Answers when to look again.
    pub(crate) async fn settle(&self) -> Option<Timestamp> {
        let mut wake = None;
        for key in self.keys().await {
            let next = settle_one(&self.scheduler, &key).await.unwrap();
            wake = [wake, next].into_iter().flatten().min();
        }
        wake
    }

    pub(crate) async fn settle_at(&self, text: &str) -> Option<Timestamp> {
        self.clock.set(at(text));
        self.settle().await
    }

    /// Goes from wake-up to wake-up until this instant, and ends what is open before each.
    pub(crate) async fn live_until(&self, text: &str) {
        let end = at(text);
        while let Some(wake) = self.settle().await.filter(|wake| *wake <= end) {
            self.finish().await;
            self.clock.set(wake.max(self.clock.now()));
        }
        self.clock.set(end);
    }

    async fn keys(&self) -> BTreeSet<ScheduleKey> {
        let rows = self.store.schedules().await.unwrap().into_iter().map(|row| row.unwrap());
        let mut keys: BTreeSet<_> = rows.map(|row| ScheduleKey { source: row.source, name: row.name }).collect();
        keys.extend(self.engine.schedules().iter().map(|live| live.key.clone()));
        keys
    }

    /// Ends every execution that is open.
    pub(crate) async fn finish(&self) {
        for id in self.open().await {
            self.engine.cancel(id, CancelMode::Kill, "anna".to_owned(), "enough".to_owned()).await.unwrap();
            assert!(self.engine.view(id).await.unwrap().unwrap().status.is_terminal());
        }
    }

    pub(crate) async fn open(&self) -> Vec<ExecutionId> {
        self.store.open_executions().await.unwrap().into_iter().map(|row| row.unwrap().id).collect()
    }

    /// What became of a schedule's slots, oldest first, with the names of what they started.
    pub(crate) async fn said(&self, name: &str) -> String {
        let mut lines = Vec::new();
        for row in self.store.slots(SOURCE, name, 10_000, None).await.unwrap() {
            let settled = row.unwrap().settled;
            let run = if settled.slots > 1 { format!(" … {} ({})", settled.last, settled.slots) } else { String::new() };
            let mut line = format!("{}{run} {}", settled.slot, settled.outcome.word());
            if let Some(id) = settled.outcome.execution() {
                let row = self.store.execution(id).await.unwrap().expect("an execution for each slot that fired");
                line += &format!(" {}#{}", row.workflow, row.number);
            }
            if let Some(reason) = settled.outcome.reason() {
                line += &format!(" {reason}: {}", settled.message);
            }
            lines.push(line);
        }
        lines.reverse();
        lines.join("\n")
    }

    /// Another process's hand in the database.
    pub(crate) async fn meddle(&self, sql: &str) {
        meddle(&self.url, sql).await;
    }
}

/// Looks at one until nothing is added.
pub(crate) async fn settle_one(scheduler: &Scheduler, key: &ScheduleKey) -> Result<Option<Timestamp>, EngineError> {
    for _ in 0..3000 {
        match scheduler.look(key).await? {
            Some(wake) if wake <= scheduler.inner.clock.now() => {}
            wake => return Ok(wake),
        }
    }
    panic!("{key} never comes to rest")
}

pub(crate) async fn boot(store: &Store, clock: &Clock) -> (Engine, Scheduler, JoinHandle<()>) {
    let engine = Engine::new(store.clone(), FleetHandle::default());
    engine.boot().await.unwrap();
    let runner = engine.clone();
    let running = tokio::spawn(async move { runner.run().await });
    (engine.clone(), Scheduler::new(engine, clock.clone(), false), running)
}

/// The agent `web1`, which never comes.
pub(crate) async fn enrol(store: &Store) {
    let (now, secret_hash) = (Timestamp(1), "hash".to_owned());
    let token = NewToken {
        id: Uuid::now_v7(),
        secret_hash: secret_hash.clone(),
        uses: 1,
        expires_at: Timestamp(2),
        labels: Default::default(),
        names: Vec::new(),
        replaces: None,
        created_by: "anna".to_owned(),
        created_at: now,
    };
    store.create_token(&token).await.unwrap();
    store.enrol(&Enrolment { name: "web1".parse().unwrap(), public_key: "key".to_owned(), secret_hash, now }).await.unwrap();
}

/// Makes these live in place of those; answers their keys.
pub(crate) async fn apply(store: &Store, manifests: &[Value], before: &BTreeSet<DefinitionKey>) -> BTreeSet<DefinitionKey> {
    let manifests = manifests.iter().map(|manifest| serde_json::from_value::<Manifest>(manifest.clone()).expect("a manifest"));
    let parent_generation = store.source(SOURCE).await.unwrap().map_or(0, |state| state.generation);
    let upserted: Vec<NewDefinition> = manifests
        .map(|manifest| NewDefinition {
            path: format!("{}.yaml", manifest.metadata().name),
            digest: digest(&manifest, &Default::default()),
            files: Default::default(),
            generation: parent_generation + 1,
            manifest,
        })
        .collect();
    let key = |new: &NewDefinition| DefinitionKey { kind: new.manifest.kind(), name: new.manifest.metadata().name.clone() };
    let live: BTreeSet<_> = upserted.iter().map(key).collect();
    let now = Timestamp(parent_generation + 1);
    let sync = SyncRecord {
        id: Uuid::now_v7(),
        source: SOURCE.to_owned(),
        commit: Some("c0ffee".to_owned()),
        author: None,
        title: None,
        outcome: SyncOutcome::Applied,
        reason: None,
        generation: None,
        problems: json!([]),
        counts: json!({}),
        message: None,
        started_at: now,
        duration_us: 1,
    };
    let applied = Apply {
        source: SOURCE.to_owned(),
        parent_generation,
        commit: "c0ffee".to_owned(),
        digest: format!("{parent_generation}"),
        upserted,
        retired: before.difference(&live).cloned().collect(),
        sync,
        now,
        audit: None,
    };
    store.apply(&applied).await.unwrap();
    live
}

/// A statement behind the store's back.
pub(crate) async fn meddle(url: &str, sql: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect(sql);
    connection.close().await.unwrap();
}
