//! Two controllers and 10,000 slots on one MariaDB: both look at everything at the same time, one of them with leases that it has
//! lost, and they change places again and again. No slot fires twice, none is without its record.

use super::bench::{SOURCE, apply, at, boot, enrol, meddle, schedule, settle_one, workflow};
use super::test_database::TestDatabase;
use crate::clock::Clock;
use crate::engine::{Engine, EngineError, ScheduleKey};
use crate::schedules::Scheduler;
use pulse_core::Timestamp;
use pulse_core::execution::Event;
use pulse_store::{Error, ExecutionFilter, Store, WriteError};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::JoinHandle;

const SCHEDULES: usize = 20;
const MINUTES: usize = 500;
/// Takeovers, evenly over those minutes.
const ERAS: usize = 10;

/// A controller: a store with leases, and two schedulers that know nothing of each other.
struct Controller {
    store: Store,
    parts: Vec<(Engine, Scheduler, JoinHandle<()>)>,
}

impl Controller {
    /// Takes over, whoever has the leases now.
    async fn take_over(url: &str, name: &str, clock: &Clock) -> Self {
        meddle(url, "UPDATE leases SET expires_at = 0").await;
        let store = Store::open(url, name).await.expect("the leases are free");
        let parts = vec![boot(&store, clock).await, boot(&store, clock).await];
        Self { store, parts }
    }

    fn schedulers(&self) -> impl Iterator<Item = &Scheduler> {
        self.parts.iter().map(|(_, scheduler, _)| scheduler)
    }

    async fn end(self) {
        for (engine, scheduler, running) in self.parts {
            engine.stop();
            drop(scheduler);
            running.await.unwrap();
        }
        self.store.close().await;
    }
}

/// What a controller that was replaced may meet, and nothing else.
fn is_fenced(error: &EngineError) -> bool {
    matches!(error, EngineError::Database(Error::Fenced) | EngineError::Commit(WriteError::Fenced { .. }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_controllers_and_ten_thousand_slots() {
    let database = TestDatabase::new().await;
    let clock = Clock::standing(at("2026-11-21T00:00Z"));
    pulse_store::migrate(&database.url).await.unwrap();
    let keys: Vec<ScheduleKey> =
        (0..SCHEDULES).map(|number| ScheduleKey { source: SOURCE.to_owned(), name: format!("s{number}") }).collect();
    let mut holder = Controller::take_over(&database.url, "controller-0", &clock).await;
    enrol(&holder.store).await;
    let spec = json!({"every": "1m", "concurrencyPolicy": "Allow"});
    let mut manifests: Vec<Value> = keys.iter().map(|key| schedule(&key.name, spec.clone())).collect();
    manifests.push(workflow("work", "Allow", true));
    apply(&holder.store, &manifests, &BTreeSet::new()).await;
    holder.end().await;
    holder = Controller::take_over(&database.url, "controller-1", &clock).await;
    for key in &keys {
        settle_one(&holder.parts[0].1, key).await.unwrap();
    }
    let mut replaced: Option<Controller> = None;
    let mut fenced = 0;
    for minute in 1..=MINUTES {
        if minute % (MINUTES / ERAS) == 0 {
            let next = Controller::take_over(&database.url, &format!("controller-{minute}"), &clock).await;
            if let Some(oldest) = replaced.replace(std::mem::replace(&mut holder, next)) {
                oldest.end().await;
            }
        }
        clock.set(Timestamp(at("2026-11-21T00:00Z").0 + i64::try_from(minute).unwrap() * 60_000_000));
        let stale = replaced.iter().flat_map(Controller::schedulers).map(|scheduler| (scheduler, false));
        let racing: Vec<_> = stale.chain(holder.schedulers().map(|scheduler| (scheduler, true))).collect();
        let looks = racing.iter().flat_map(|(scheduler, holds)| keys.iter().map(move |key| (*scheduler, *holds, key)));
        // One look each, all at once: who comes too late for this minute looks again at the next.
        let looks = looks.map(|(scheduler, holds, key)| async move { (holds, scheduler.look(key).await) });
        for (holds, looked) in futures_util::future::join_all(looks).await {
            match looked {
                Ok(_) => {}
                Err(error) if !holds && is_fenced(&error) => fenced += 1,
                Err(error) => panic!("{holds} {error}"),
            }
        }
    }
    for key in &keys {
        settle_one(&holder.parts[0].1, key).await.unwrap();
    }
    assert!(fenced > 0, "who was replaced has tried to write, and was refused");
    check(&holder.store, &keys).await;
    if let Some(replaced) = replaced {
        replaced.end().await;
    }
    holder.end().await;
}

/// Each slot of each schedule fired once, and each execution is that of one slot.
async fn check(store: &Store, keys: &[ScheduleKey]) {
    let mut fired = BTreeMap::new();
    for key in keys {
        let rows = store.slots(SOURCE, &key.name, 10_000, None).await.unwrap();
        let rows: Vec<_> = rows.into_iter().map(|row| row.unwrap().settled).collect();
        let expected = (1..=MINUTES).rev().map(|minute| at("2026-11-21T00:00Z").0 + minute as i64 * 60_000_000);
        assert!(rows.iter().map(|row| row.slot.0).eq(expected), "{key}: every slot has one record");
        for row in rows {
            let execution = row.outcome.execution().unwrap_or_else(|| panic!("{key}: {row:?}"));
            assert_eq!(fired.insert(execution, (key.name.clone(), row.slot)), None, "{key}: {execution} is of two slots");
        }
    }
    let (mut cursor, mut executions) = (None, 0);
    loop {
        let page = store.executions(&ExecutionFilter::default(), 500, cursor).await.unwrap();
        for row in page.items {
            let row = row.unwrap();
            let history = store.history(row.id).await.unwrap();
            let Event::Created(created) = &history[0].event else { panic!("{:?}", history[0]) };
            let of = created.trigger.schedule().map(str::to_owned).zip(created.trigger.slot);
            assert_eq!(of.as_ref(), fired.get(&row.id), "{}: the slot that it says is the slot that says it", row.id);
            executions += 1;
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((fired.len(), executions), (SCHEDULES * MINUTES, SCHEDULES * MINUTES));
}
