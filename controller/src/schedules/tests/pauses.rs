use super::bench::{Bench, START, at, schedule, workflow};
use pulse_store::{PauseEnd, PauseRow};
use serde_json::json;
use uuid::Uuid;

async fn pause(bench: &Bench, scope: &str) -> Uuid {
    let row = PauseRow {
        id: Uuid::now_v7(),
        scope: scope.parse().unwrap(),
        reason: "a freeze".to_owned(),
        created_by: "anna".to_owned(),
        created_at: at(START),
        expires_at: None,
        ended: None,
    };
    let (row, is_new) = bench.engine.pause(row).await.unwrap();
    assert!(is_new);
    row.id
}

async fn resume(bench: &Bench, id: Uuid) {
    assert!(matches!(bench.engine.end_pause(id, "anna".to_owned()).await.unwrap(), PauseEnd::Ended(_)));
}

fn hourly(name: &str) -> serde_json::Value {
    schedule(name, json!({"cron": "0 * * * *", "catchUp": "all", "concurrencyPolicy": "Allow"}))
}

#[tokio::test]
async fn slots_of_a_paused_schedule_are_skipped_through_a_restart_and_never_caught_up() {
    let bench = Bench::new(&[workflow("work", "Allow", true), hourly("nightly"), hourly("other")]).await;
    let id = pause(&bench, "schedule/nightly").await;
    bench.settle_at("2026-11-21T13:00Z").await;
    let bench = bench.restart().await;
    bench.settle_at("2026-11-21T14:00Z").await;
    let live = bench.engine.schedules().into_iter().find(|live| live.key.name == "nightly").unwrap();
    let row = bench.store.schedule(&live.key.source, "nightly").await.unwrap();
    let status = bench.scheduler.status(&live, row.as_ref()).await.unwrap();
    assert_eq!(status.pause.map(|pause| pause.id), Some(id.to_string()));
    assert!(status.waiting.ends_with("which is skipped: paused (schedule/nightly) by anna: a freeze"), "{}", status.waiting);
    resume(&bench, id).await;
    bench.live_until("2026-11-21T15:00Z").await;
    bench.settle().await;
    insta::assert_snapshot!(bench.said("nightly").await, @r"
    2026-11-21T13:00:00Z … 2026-11-21T14:00:00Z (2) skipped paused: paused (schedule/nightly) by anna: a freeze
    2026-11-21T15:00:00Z fired work#3
    ");
    insta::assert_snapshot!(bench.said("other").await, @r"
    2026-11-21T13:00:00Z fired work#1
    2026-11-21T14:00:00Z fired work#2
    2026-11-21T15:00:00Z fired work#4
    ");
}

#[tokio::test]
async fn a_pause_and_its_end_ask_for_a_look() {
    let bench = Bench::new(&[workflow("work", "Allow", true), hourly("nightly")]).await;
    let queue = bench.engine.scheduled();
    let key = queue.next().await.unwrap();
    queue.done(&key);
    let id = pause(&bench, "all").await;
    assert_eq!(queue.next().await.as_ref(), Some(&key));
    queue.done(&key);
    resume(&bench, id).await;
    assert_eq!(queue.next().await, Some(key));
}

#[tokio::test]
async fn behind_a_paused_workflow_one_execution_waits_and_forbid_skips_the_others() {
    let nightly = schedule("nightly", json!({"cron": "0 * * * *"}));
    let bench = Bench::new(&[workflow("work", "Allow", true), nightly]).await;
    let id = pause(&bench, "workflow/work").await;
    for hour in 13..16 {
        bench.settle_at(&format!("2026-11-21T{hour}:00Z")).await;
    }
    let waits = bench.open().await;
    assert_eq!(waits.len(), 1, "it is accepted and waits");
    let why = bench.engine.why(waits[0]).await.unwrap().unwrap();
    assert_eq!(why.iter().map(ToString::to_string).collect::<Vec<_>>(), ["paused (workflow/work) by anna: a freeze"]);
    resume(&bench, id).await;
    while !bench.open().await.is_empty() {
        tokio::task::yield_now().await;
    }
    bench.settle_at("2026-11-21T16:00Z").await;
    insta::assert_snapshot!(bench.said("nightly").await, @r"
    2026-11-21T13:00:00Z fired work#1
    2026-11-21T14:00:00Z … 2026-11-21T15:00:00Z (2) skipped still_running: work#1 still runs, and `concurrencyPolicy: Forbid` allows one at a time
    2026-11-21T16:00:00Z fired work#2
    ");
}
