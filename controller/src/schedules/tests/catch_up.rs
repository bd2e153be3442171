//! Two days without a controller.

use super::bench::{Bench, SOURCE, at, schedule, workflow};
use serde_json::json;

/// Each minute; down from 12:00 for two days; then as long as it takes.
async fn after_two_days(catch_up: &str) -> Bench {
    let spec = json!({"cron": "* * * * *", "catchUp": catch_up, "startingDeadline": "90s"});
    let mut spec = spec;
    if catch_up == "all" {
        spec["catchUpLimit"] = json!(5);
    }
    let mut bench = Bench::new(&[workflow("work", "Allow", true), schedule("minutely", spec)]).await;
    bench.clock.set(at("2026-11-23T12:00Z"));
    bench = bench.restart().await;
    bench.live_until("2026-11-23T12:02Z").await;
    bench
}

#[tokio::test]
async fn none_fires_what_is_on_time_only() {
    insta::assert_snapshot!(after_two_days("none").await.said("minutely").await, @r"
    2026-11-21T12:01:00Z … 2026-11-23T11:58:00Z (2878) missed too_late: nothing could start it within its startingDeadline of 90s
    2026-11-23T11:59:00Z missed superseded: a newer slot came before it could fire
    2026-11-23T12:00:00Z fired work#1
    2026-11-23T12:01:00Z fired work#2
    2026-11-23T12:02:00Z fired work#3
    ");
}

#[tokio::test]
async fn latest_fires_the_newest() {
    insta::assert_snapshot!(after_two_days("latest").await.said("minutely").await, @r"
    2026-11-21T12:01:00Z … 2026-11-23T11:59:00Z (2879) missed superseded: a newer slot came before it could fire
    2026-11-23T12:00:00Z fired work#1
    2026-11-23T12:01:00Z fired work#2
    2026-11-23T12:02:00Z fired work#3
    ");
}

#[tokio::test]
async fn all_fires_as_many_as_the_limit_says_oldest_first_and_apart() {
    let bench = after_two_days("all").await;
    let rows: Vec<_> =
        bench.store.slots(SOURCE, "minutely", 100, None).await.unwrap().into_iter().map(|row| row.unwrap()).collect();
    let (fired, missed): (Vec<_>, Vec<_>) = rows.iter().rev().partition(|row| row.settled.outcome.execution().is_some());
    assert!(missed.iter().all(|row| row.settled.outcome.reason() == Some("over_limit")), "{missed:?}");
    assert!(fired.len() >= 5 && fired.is_sorted_by_key(|row| row.settled.slot), "{fired:?}");
    // Caught up: one after the other, five seconds apart at least, within the first two minutes.
    let caught_up: Vec<_> = fired.iter().filter(|row| row.settled.slot <= at("2026-11-23T12:00Z")).collect();
    assert!(caught_up.windows(2).all(|pair| pair[1].decided_at.since(pair[0].decided_at).as_millis() >= 5000), "{caught_up:?}");
    let slots: u64 = rows.iter().map(|row| row.settled.slots).sum();
    let last = rows[0].settled.last;
    assert_eq!(slots, (last.0 - at("2026-11-21T12:00Z").0) as u64 / 60_000_000, "every slot has its record");
}
