//! Fires, what an open execution does to the next slot, refusals, and what edits do.

use super::bench::{Bench, SOURCE, START, at, schedule, workflow};
use crate::clock::Clock;
use crate::engine::ScheduleKey;
use crate::schedules::look::replaces;
use crate::schedules::tidy::is_time;
use crate::schedules::{Resting, Scheduler};
use pulse_core::execution::{Cancel, CancelMode, TriggerKind};
use pulse_store::KEPT_SLOTS;
use serde_json::{Value, json};

fn hourly(more: Value) -> Value {
    let mut spec = json!({"cron": "0 * * * *"});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    schedule("nightly", spec)
}

#[tokio::test]
async fn a_slot_starts_its_workflow_and_the_execution_says_so() {
    let bench = Bench::new(&[workflow("work", "Forbid", false), hourly(json!({}))]).await;
    assert_eq!(bench.settle_at("2026-11-21T12:59Z").await, Some(at("2026-11-21T13:00Z")));
    assert_eq!(bench.open().await, []);
    assert_eq!(bench.settle_at("2026-11-21T13:00Z").await, Some(at("2026-11-21T14:00Z")));
    let id = bench.open().await[0];
    let execution = bench.engine.view(id).await.unwrap().unwrap();
    let trigger = &execution.created.trigger;
    assert_eq!((trigger.kind, trigger.by.as_str()), (TriggerKind::Schedule, "schedule/nightly"));
    assert_eq!((trigger.slot, trigger.schedule()), (Some(at("2026-11-21T13:00Z")), Some("nightly")));
    let row = bench.store.execution(id).await.unwrap().unwrap();
    assert_eq!(
        (row.workflow.as_str(), row.schedule.as_deref(), row.started_by.as_str()),
        ("work", Some("nightly"), "schedule/nightly")
    );
    let row = bench.store.schedule(SOURCE, "nightly").await.unwrap().unwrap();
    assert_eq!(row.fired.map(|fired| (fired.slot, fired.execution)), Some((at("2026-11-21T13:00Z"), id)));
}

#[tokio::test]
async fn a_command_runs_under_the_schedule_s_name_and_numbers_go_on() {
    let spec = json!({"every": "30m", "targets": ["web1"], "command": "uptime", "onOffline": "wait 24h"});
    let bench = Bench::new(&[schedule("uptime", spec)]).await;
    bench.live_until("2026-11-21T13:10Z").await;
    insta::assert_snapshot!(bench.said("uptime").await, @r"
    2026-11-21T12:30:00Z fired uptime#1
    2026-11-21T13:00:00Z fired uptime#2
    ");
    let id = bench.store.find_execution("uptime#2").await.unwrap().unwrap().id;
    let execution = bench.engine.view(id).await.unwrap().unwrap();
    assert_eq!(execution.program.steps[0].spec.id, "command");
    assert_eq!(execution.created.commit, "c0ffee");
}

#[tokio::test]
async fn forbid_skips_while_one_runs_and_its_end_wakes_the_schedule() {
    let bench = Bench::new(&[workflow("work", "Allow", false), hourly(json!({}))]).await;
    bench.settle_at("2026-11-21T13:00Z").await;
    bench.settle_at("2026-11-21T14:00Z").await;
    // Whatever the sync has asked for is out of the way.
    let queue = bench.engine.scheduled();
    let key = ScheduleKey { source: SOURCE.to_owned(), name: "nightly".to_owned() };
    assert_eq!(queue.next().await.as_ref(), Some(&key));
    queue.done(&key);
    bench.finish().await;
    assert_eq!(queue.next().await.as_ref(), Some(&key), "the end of its execution asks for a look");
    queue.done(&key);
    bench.settle_at("2026-11-21T15:00Z").await;
    insta::assert_snapshot!(bench.said("nightly").await, @r"
    2026-11-21T13:00:00Z fired work#1
    2026-11-21T14:00:00Z skipped still_running: work#1 still runs, and `concurrencyPolicy: Forbid` allows one at a time
    2026-11-21T15:00:00Z fired work#2
    ");
}

/// A slot each second behind an execution that does not end, through restarts and an edit.
#[tokio::test]
async fn a_long_execution_costs_a_schedule_one_record() {
    let rows = async |bench: &Bench| bench.store.slots(SOURCE, "nightly", 100, None).await.unwrap().len();
    let work = workflow("work", "Allow", false);
    let mut bench = Bench::new(&[work.clone(), schedule("nightly", json!({"every": "1s"}))]).await;
    for second in 1..=59 {
        bench.settle_at(&format!("2026-11-21T12:00:{second:02}Z")).await;
        if second % 20 == 0 {
            bench = bench.restart().await;
        }
    }
    assert_eq!(rows(&bench).await, 2);
    // A slot that nothing looked at in time, and one of another execution.
    bench.settle_at("2026-11-21T12:01:01Z").await;
    bench.finish().await;
    bench.settle_at("2026-11-21T12:01:02Z").await;
    bench.settle_at("2026-11-21T12:01:03Z").await;
    bench.settle_at("2026-11-21T12:01:04Z").await;
    bench.sync(&[work, schedule("nightly", json!({"every": "2s"}))]).await;
    for second in 4..=9 {
        bench.settle_at(&format!("2026-11-21T12:01:{second:02}Z")).await;
    }
    insta::assert_snapshot!(bench.said("nightly").await, @r"
    2026-11-21T12:00:01Z fired work#1
    2026-11-21T12:00:02Z … 2026-11-21T12:00:59Z (58) skipped still_running: work#1 still runs, and `concurrencyPolicy: Forbid` allows one at a time
    2026-11-21T12:01:00Z missed superseded: a newer slot came before it could fire
    2026-11-21T12:01:01Z skipped still_running: work#1 still runs, and `concurrencyPolicy: Forbid` allows one at a time
    2026-11-21T12:01:02Z fired work#2
    2026-11-21T12:01:03Z … 2026-11-21T12:01:04Z (2) skipped still_running: work#2 still runs, and `concurrencyPolicy: Forbid` allows one at a time
    2026-11-21T12:01:06Z … 2026-11-21T12:01:08Z (2) skipped still_running: work#2 still runs, and `concurrencyPolicy: Forbid` allows one at a time
    ");
}

#[tokio::test]
async fn the_oldest_records_go_with_time() {
    let bench = Bench::new(&[workflow("work", "Allow", false), hourly(json!({}))]).await;
    bench.settle_at("2026-11-21T13:00Z").await;
    let numbers = format!("WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {KEPT_SLOTS} + 300)");
    let columns = "'main', 'nightly', n, n, 1, 'skipped', 'no_targets', 'no agent', NULL, n";
    bench.meddle(&format!("INSERT INTO slots {numbers} SELECT {columns} FROM n")).await;
    let count = async || bench.store.slots(SOURCE, "nightly", 20_000, None).await.unwrap().len();
    let step = async |revision: i64, slot: &str| {
        bench.meddle(&format!("UPDATE schedules SET revision = {revision}")).await;
        bench.settle_at(slot).await;
    };
    let time = (1..).find(|revision| is_time("nightly", *revision)).unwrap();
    step(time + 1, "2026-11-21T14:00Z").await;
    assert_eq!(count().await, usize::from(KEPT_SLOTS) + 302, "not at every step");
    step(time, "2026-11-21T15:00Z").await;
    assert_eq!(count().await, usize::from(KEPT_SLOTS), "what the open execution stands in is among the newest");
}

#[tokio::test]
async fn replace_kills_the_open_one_and_fires_once_it_is_over() {
    let bench = Bench::new(&[workflow("work", "Allow", false), hourly(json!({"concurrencyPolicy": "Replace"}))]).await;
    bench.settle_at("2026-11-21T13:00Z").await;
    let first = bench.open().await[0];
    bench.settle_at("2026-11-21T14:00Z").await;
    let cancel = bench.engine.view(first).await.unwrap().unwrap().cancel.clone().expect("asked for");
    assert_eq!((cancel.mode, cancel.by.as_str()), (CancelMode::Kill, "schedule/nightly"));
    bench.settle().await;
    insta::assert_snapshot!(bench.said("nightly").await, @r"
    2026-11-21T13:00:00Z fired work#1
    2026-11-21T14:00:00Z fired work#2
    ");
    assert_eq!(bench.open().await.len(), 1);
}

#[tokio::test]
async fn allow_fires_beside_it() {
    let bench = Bench::new(&[workflow("work", "Allow", false), hourly(json!({"concurrencyPolicy": "Allow"}))]).await;
    for hour in 13..16 {
        bench.settle_at(&format!("2026-11-21T{hour}:00Z")).await;
    }
    assert_eq!(bench.open().await.len(), 3);
}

#[tokio::test]
async fn a_start_that_is_refused_is_a_skipped_slot_that_says_why() {
    let other = |name: &str, spec: Value| schedule(name, spec);
    let mut nowhere = json!({"cron": "0 * * * *", "command": "uptime"});
    nowhere["targets"] = json!(["web9"]);
    let manifests = [
        workflow("work", "Forbid", false),
        workflow("plain", "Forbid", true),
        schedule("first", json!({"cron": "59 12 * * *"})),
        schedule("second", json!({"cron": "0 * * * *"})),
        other("nowhere", nowhere),
        other("nothing", json!({"cron": "0 * * * *", "limit": "role=none", "workflow": "plain"})),
        other("params", json!({"cron": "0 * * * *", "params": {"ticket": "OPS-1"}, "workflow": "plain"})),
        other("unknown", json!({"cron": "0 * * * *", "workflow": "gone"})),
    ];
    let bench = Bench::new(&manifests).await;
    bench.settle_at("2026-11-21T12:59Z").await;
    bench.settle_at("2026-11-21T13:00Z").await;
    let mut said = Vec::new();
    for name in ["first", "second", "nowhere", "nothing", "params", "unknown"] {
        said.push(format!("{name}: {}", bench.said(name).await));
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    first: 2026-11-21T12:59:00Z fired work#1
    second: 2026-11-21T13:00:00Z skipped workflow_running: work#1 still runs, and the workflow's `concurrency` allows one at a time
    nowhere: 2026-11-21T13:00:00Z skipped no_targets: step `command`: no agent and no group is named `web9`; see `pulse get agents`
    nothing: 2026-11-21T13:00:00Z skipped no_targets: step `go`: no agent of `web1` is left within the limit `role=none`
    params: 2026-11-21T13:00:00Z skipped bad_params: parameter `ticket`: the workflow has no parameters
    unknown: 2026-11-21T13:00:00Z skipped unknown_workflow: no workflow is named `gone`
    ");
    assert_eq!(bench.open().await.len(), 1, "nothing else started");
}

#[tokio::test]
async fn suspending_retiming_and_retiring_begin_anew() {
    let work = workflow("work", "Allow", true);
    let mut bench = Bench::new(&[work.clone(), hourly(json!({"catchUp": "all"}))]).await;
    bench.settle_at("2026-11-21T13:00Z").await;
    bench.sync(&[work.clone(), hourly(json!({"catchUp": "all", "suspend": true}))]).await;
    assert_eq!(bench.settle_at("2026-11-21T18:30Z").await, None);
    bench.sync(&[work.clone(), hourly(json!({"catchUp": "all"}))]).await;
    assert_eq!(bench.settle_at("2026-11-21T19:30Z").await, Some(at("2026-11-21T20:00Z")));
    bench.live_until("2026-11-21T20:10Z").await;
    bench.sync(&[work.clone(), schedule("nightly", json!({"cron": "30 * * * *", "catchUp": "all"}))]).await;
    assert_eq!(bench.settle_at("2026-11-22T02:40Z").await, Some(at("2026-11-22T03:30Z")));
    bench.live_until("2026-11-22T03:30Z").await;
    bench.settle().await;
    // Retired, and back two days later.
    bench.sync(std::slice::from_ref(&work)).await;
    bench.settle_at("2026-11-22T04:00Z").await;
    assert!(bench.store.schedule(SOURCE, "nightly").await.unwrap().unwrap().state.suspended);
    bench.sync(&[work, schedule("nightly", json!({"cron": "30 * * * *", "catchUp": "all"}))]).await;
    assert_eq!(bench.settle_at("2026-11-24T04:00Z").await, Some(at("2026-11-24T04:30Z")));
    bench.settle_at("2026-11-24T04:30Z").await;
    insta::assert_snapshot!(bench.said("nightly").await, @r"
    2026-11-21T13:00:00Z fired work#1
    2026-11-21T20:00:00Z fired work#2
    2026-11-22T03:30:00Z fired work#3
    2026-11-24T04:30:00Z fired work#4
    ");
}

#[tokio::test]
async fn a_controller_that_rests_fires_nothing_and_says_so() {
    let bench = Bench::new(&[workflow("work", "Allow", true)]).await;
    let engine = bench.engine.clone();
    let resting = Scheduler::new(engine.clone(), Clock::standing(at(START)), true);
    let mut bench = bench;
    bench.sync(&[workflow("work", "Allow", true), hourly(json!({}))]).await;
    resting.scan().await.unwrap();
    let live = engine.schedules()[0].clone();
    resting.inner.clock.set(at("2026-11-21T13:00Z"));
    assert_eq!(resting.look(&live.key).await.unwrap(), None);
    let status = resting.status(&live, None).await.unwrap();
    assert_eq!((status.resting, status.upcoming.len()), (Some(Resting::Controller), 0));
    assert!(status.waiting.contains("--schedules"), "{}", status.waiting);
    assert_eq!(bench.store.schedules().await.unwrap().len(), 0);
    // The other one, which does not rest, shows what comes.
    let status = bench.scheduler.status(&live, None).await.unwrap();
    assert_eq!((status.resting, status.upcoming.len()), (None, 10));
}

#[tokio::test]
async fn what_passes_while_a_controller_rests_is_not_caught_up() {
    let bench = Bench::new(&[workflow("work", "Allow", true), hourly(json!({"catchUp": "all"}))]).await;
    bench.settle_at("2026-11-21T13:00Z").await;
    let before = bench.said("nightly").await;
    let resting = Scheduler::new(bench.engine.clone(), Clock::standing(at("2026-11-21T13:30Z")), true);
    let queue = bench.engine.scheduled();
    while queue.depth() > 0 {
        let key = queue.next().await.unwrap();
        queue.done(&key);
    }
    resting.scan().await.unwrap();
    assert_eq!(queue.depth(), 1, "its row is to say that it rests");
    let key = queue.next().await.unwrap();
    queue.done(&key);
    assert_eq!(resting.look(&key).await.unwrap(), None);
    let revision = async || bench.store.schedule(SOURCE, "nightly").await.unwrap().unwrap().revision;
    let rested = revision().await;
    resting.scan().await.unwrap();
    assert_eq!((queue.depth(), resting.look(&key).await.unwrap(), revision().await), (0, None, rested), "written once");
    assert_eq!(bench.settle_at("2026-11-21T18:30Z").await, Some(at("2026-11-21T19:00Z")));
    assert_eq!(bench.said("nightly").await, before);
}

#[test]
fn a_person_s_kill_replaces_nothing() {
    let asked = |mode, by: &str| Cancel { mode, by: by.to_owned(), reason: String::new(), at: at(START) };
    assert!(replaces("nightly", &asked(CancelMode::Kill, "schedule/nightly")));
    for (mode, by) in [(CancelMode::Kill, "anna"), (CancelMode::Kill, "schedule/weekly"), (CancelMode::Drain, "schedule/nightly")]
    {
        assert!(!replaces("nightly", &asked(mode, by)), "{mode:?} by {by}");
    }
}
