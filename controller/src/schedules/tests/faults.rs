//! Restarts at every write, a database that is away, hints that were lost, a database that somebody has changed.

use super::bench::{Bench, SOURCE, at, schedule, settle_one, workflow};
use crate::engine::ScheduleKey;
use crate::reconcile::Next;
use serde_json::{Value, json};

fn key() -> ScheduleKey {
    ScheduleKey { source: SOURCE.to_owned(), name: "nightly".to_owned() }
}

fn manifests(policy: &str) -> [Value; 2] {
    let spec = json!({"cron": "*/10 * * * *", "catchUp": "all", "catchUpLimit": 4, "concurrencyPolicy": policy});
    [workflow("work", "Allow", policy != "Replace"), schedule("nightly", spec)]
}

/// Lives for two hours, an hour of them without a controller, with or without a restart after each write. Answers what became of
/// the slots, and the number of restarts.
async fn life(policy: &str, restarts: bool) -> (String, u32) {
    let mut bench = Bench::new(&manifests(policy)).await;
    let (mut away, mut restarted, end) = (false, 0, at("2026-11-21T14:00Z"));
    for _ in 0..500 {
        match bench.scheduler.look(&key()).await.unwrap() {
            // Something was written: a look writes once at most.
            Some(wake) if wake <= bench.clock.now() => {
                if restarts {
                    bench = bench.restart().await;
                    restarted += 1;
                }
            }
            Some(_) if !away && bench.clock.now() >= at("2026-11-21T12:30Z") => {
                away = true;
                bench.clock.set(at("2026-11-21T13:35Z"));
                bench = bench.restart().await;
            }
            Some(wake) if wake > end => return (bench.said("nightly").await, restarted),
            // What is caught up is over before the next.
            Some(_) if away && !bench.open().await.is_empty() => bench.finish().await,
            Some(wake) => bench.clock.set(wake),
            None => panic!("it sleeps for ever"),
        }
    }
    panic!("it never ends")
}

#[tokio::test]
async fn a_restart_after_every_write_changes_nothing() {
    for policy in ["Forbid", "Replace"] {
        let (undisturbed, _) = life(policy, false).await;
        assert!(undisturbed.lines().count() >= 10 && undisturbed.contains("over_limit"), "{undisturbed}");
        let (restarted, times) = life(policy, true).await;
        assert_eq!(restarted, undisturbed);
        assert!(times >= 10, "{times}");
    }
}

#[tokio::test]
async fn a_database_that_is_away_delays_a_slot_until_its_deadline() {
    let spec = json!({"cron": "0 * * * *", "startingDeadline": "1m"});
    let bench = Bench::new(&[workflow("work", "Allow", true), schedule("nightly", spec)]).await;
    for (hour, back) in [(13, 30), (14, 61)] {
        bench.meddle("ALTER TABLE events RENAME TO away").await;
        bench.clock.set(at(&format!("2026-11-21T{hour}:00Z")));
        for _ in 0..3 {
            let soon = tokio::time::Instant::now() + std::time::Duration::from_secs(2);
            let next = bench.scheduler.reconcile(&key()).await.unwrap();
            assert!(matches!(next, Next::At(at) if at <= soon), "tried again soon: {next:?}");
        }
        assert_eq!(bench.open().await, [], "nothing of it is left");
        bench.meddle("ALTER TABLE away RENAME TO events").await;
        bench.clock.set(pulse_core::Timestamp(bench.clock.now().0 + back * 1_000_000));
        settle_one(&bench.scheduler, &key()).await.unwrap();
    }
    insta::assert_snapshot!(bench.said("nightly").await, @r"
    2026-11-21T13:00:00Z fired work#1
    2026-11-21T14:00:00Z missed too_late: nothing could start it within its startingDeadline of 1m
    ");
}

#[tokio::test]
async fn a_scan_finds_what_no_hint_told() {
    let mut bench = Bench::new(&manifests("Forbid")).await;
    bench = bench.restart().await;
    let queue = bench.engine.scheduled().clone();
    // Drained of what the start has asked for.
    while queue.depth() > 0 {
        let key = queue.next().await.unwrap();
        queue.done(&key);
    }
    bench.clock.set(at("2026-11-21T12:05Z"));
    bench.scheduler.scan().await.unwrap();
    assert_eq!(queue.depth(), 0, "nothing is due");
    bench.clock.set(at("2026-11-21T12:10Z"));
    bench.scheduler.scan().await.unwrap();
    assert_eq!((queue.depth(), queue.next().await), (1, Some(key())));
    queue.done(&key());
    bench.settle().await;
    // Gone from the source, and nobody said so.
    bench.sync(&[workflow("work", "Allow", true)]).await;
    while queue.depth() > 0 {
        let key = queue.next().await.unwrap();
        queue.done(&key);
    }
    bench.scheduler.scan().await.unwrap();
    assert_eq!((queue.depth(), queue.next().await), (1, Some(key())));
}

#[tokio::test]
async fn slots_that_are_settled_already_are_passed_over() {
    let bench = Bench::new(&manifests("Forbid")).await;
    bench.live_until("2026-11-21T12:30Z").await;
    bench.settle().await;
    let before = bench.said("nightly").await;
    // Somebody removes the row, and the clock is set back: the same slots come once more.
    bench.meddle("DELETE FROM schedules").await;
    bench.settle_at("2026-11-21T12:05Z").await;
    bench.live_until("2026-11-21T12:40Z").await;
    bench.settle().await;
    let after = bench.said("nightly").await;
    assert_eq!(after, format!("{before}\n2026-11-21T12:40:00Z fired work#4"), "nothing twice, and it goes on");
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_is_not_retired() {
    let mut bench = Bench::new(&manifests("Forbid")).await;
    bench.meddle("UPDATE definitions SET manifest = 'nonsense' WHERE kind = 'Schedule'").await;
    bench = bench.restart().await;
    bench.settle_at("2026-11-21T12:10Z").await;
    assert!(!bench.store.schedule(SOURCE, "nightly").await.unwrap().unwrap().state.suspended);
    assert_eq!(bench.said("nightly").await, "");
}

#[tokio::test]
async fn what_is_recorded_is_passed_over_record_by_record() {
    let catch_up = json!({"cron": "*/10 * * * *", "catchUp": "latest"});
    let bench = Bench::new(&[workflow("work", "Allow", true), schedule("nightly", catch_up)]).await;
    let record = |first: &str, last: &str, slots: u32| {
        let (first, last) = (at(first).0, at(last).0);
        format!(
            "INSERT INTO slots (source, schedule, slot_at, last_slot_at, slots, outcome, reason, message, decided_at) \
             VALUES ('{SOURCE}', 'nightly', {first}, {last}, {slots}, 'missed', 'superseded', 'by hand', {last})"
        )
    };
    // The run that is to be missed begins with a slot that is recorded; the slot that is to fire is not.
    bench.meddle(&record("2026-11-21T12:10Z", "2026-11-21T12:20Z", 2)).await;
    bench.live_until("2026-11-21T12:05Z").await;
    bench.settle_at("2026-11-21T13:00Z").await;
    bench.clock.set(at("2026-11-21T13:01Z"));
    bench.settle().await;
    // The next one that is to fire is one of a run that is recorded, which has not ended.
    bench.meddle(&record("2026-11-21T13:05Z", "2026-11-21T13:20Z", 2)).await;
    bench.live_until("2026-11-21T13:30Z").await;
    bench.settle().await;
    insta::assert_snapshot!(bench.said("nightly").await, @r"
    2026-11-21T12:10:00Z … 2026-11-21T12:20:00Z (2) missed superseded: by hand
    2026-11-21T12:30:00Z … 2026-11-21T12:50:00Z (3) missed superseded: a newer slot came before it could fire
    2026-11-21T13:00:00Z fired work#1
    2026-11-21T13:05:00Z … 2026-11-21T13:20:00Z (2) missed superseded: by hand
    2026-11-21T13:30:00Z fired work#2
    ");
}

#[tokio::test]
async fn a_start_that_others_always_win_is_tried_again() {
    let spec = json!({"cron": "0 * * * *"});
    let bench = Bench::new(&[workflow("work", "Allow", true), schedule("nightly", spec)]).await;
    bench.meddle("CREATE TABLE taken (number INTEGER PRIMARY KEY)").await;
    bench.meddle("INSERT INTO taken VALUES (1)").await;
    bench.meddle("CREATE TRIGGER always BEFORE INSERT ON executions BEGIN INSERT INTO taken VALUES (1); END").await;
    bench.clock.set(at("2026-11-21T13:00Z"));
    let next = bench.scheduler.reconcile(&key()).await.expect("no fault of the schedule");
    assert!(matches!(next, Next::At(_)), "tried again soon: {next:?}");
    assert_eq!((bench.said("nightly").await.as_str(), bench.open().await.len()), ("", 0));
    bench.meddle("DROP TRIGGER always").await;
    bench.settle().await;
    assert_eq!(bench.said("nightly").await, "2026-11-21T13:00:00Z fired work#1");
}

#[tokio::test]
async fn what_this_release_cannot_run_rests() {
    let mut bench = Bench::new(&manifests("Forbid")).await;
    bench.live_until("2026-11-21T12:10Z").await;
    bench.settle().await;
    let before = bench.said("nightly").await;
    bench
        .meddle("UPDATE definitions SET manifest = REPLACE(manifest, '*/10 * * * *', '*/10 * * * 99') WHERE kind = 'Schedule'")
        .await;
    bench = bench.restart().await;
    bench.scheduler.scan().await.unwrap();
    bench.settle_at("2026-11-21T12:15Z").await;
    assert!(bench.store.schedule(SOURCE, "nightly").await.unwrap().unwrap().state.suspended);
    bench
        .meddle("UPDATE definitions SET manifest = REPLACE(manifest, '*/10 * * * 99', '*/10 * * * *') WHERE kind = 'Schedule'")
        .await;
    bench = bench.restart().await;
    assert_eq!(bench.settle_at("2026-11-21T15:05Z").await, Some(at("2026-11-21T15:10Z")));
    assert_eq!(bench.said("nightly").await, before, "what passed meanwhile is not caught up");
}
