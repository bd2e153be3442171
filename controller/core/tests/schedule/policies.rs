//! What an open execution, a refusal, a suspension, another timing and a stepped clock do to slots.

use crate::bench::{Bench, at, line, schedule, seconds};
use pulse_core::Timestamp;
use pulse_core::execution::TriggerKind;
use pulse_core::schedule::{Fire, Missed, Outcome, Refusal, Skipped, Waiting};
use serde_json::json;

const START: &str = "2026-11-21T12:00Z";

fn started(spec: serde_json::Value) -> Bench {
    let mut bench = Bench::new(schedule(spec), at(START));
    bench.settle(at(START));
    bench
}

#[test]
fn a_new_schedule_begins_now() {
    let bench = started(json!({"cron": "0 * * * *"}));
    let state = bench.state.clone().expect("adopted");
    assert_eq!(
        (state.watermark, state.suspended, bench.rows.len()),
        (at(START), false, 0),
        "the slot of this very instant is past"
    );
    let last = bench.last.expect("a decision");
    assert_eq!(last.wake_at, Some(at("2026-11-21T13:00Z")));
    assert_eq!(last.waiting.to_string(), "the next slot, 2026-11-21T13:00:00Z");
}

#[test]
fn forbid_skips_while_one_is_open_and_names_it() {
    let mut bench = started(json!({"cron": "0 * * * *"}));
    bench.settle(at("2026-11-21T13:00Z"));
    bench.settle(at("2026-11-21T14:00Z"));
    bench.finish();
    bench.settle(at("2026-11-21T15:00Z"));
    insta::assert_snapshot!(bench.said(), @r"
    2026-11-21T13:00:00Z fired
    2026-11-21T14:00:00Z skipped still_running: nightly#1 still runs, and `concurrencyPolicy: Forbid` allows one at a time
    2026-11-21T15:00:00Z fired
    ");
}

#[test]
fn allow_fires_beside_it() {
    let mut bench = started(json!({"cron": "0 * * * *", "concurrencyPolicy": "Allow"}));
    for hour in 13..17 {
        bench.settle(at(&format!("2026-11-21T{hour}:00Z")));
    }
    assert_eq!((bench.fires.len(), bench.world.open.len(), bench.rows.len()), (4, 4, 4));
}

#[test]
fn replace_cancels_once_and_fires_when_it_is_over() {
    let mut bench = started(json!({"cron": "0 * * * *", "concurrencyPolicy": "Replace"}));
    bench.settle(at("2026-11-21T13:00Z"));
    let first = bench.world.open[0].id;
    let wake = bench.settle(at("2026-11-21T14:00Z"));
    assert_eq!(wake, Some(Timestamp(at("2026-11-21T14:05Z").0 + 1)), "the deadline is the next thing that changes the answer");
    bench.settle(at("2026-11-21T14:01Z"));
    assert_eq!(bench.replaced, [first], "asked for once");
    bench.finish();
    bench.settle(at("2026-11-21T14:02Z"));
    assert_eq!(bench.fires[1], (at("2026-11-21T14:02Z"), at("2026-11-21T14:00Z"), false));
}

#[test]
fn replace_that_takes_beyond_the_deadline_is_skipped() {
    let mut bench = started(json!({"cron": "0 * * * *", "concurrencyPolicy": "Replace"}));
    for catch_up in ["none", "latest", "all"] {
        let mut spec = json!({"cron": "0 * * * *", "concurrencyPolicy": "Replace"});
        spec["catchUp"] = json!(catch_up);
        bench = started(spec);
        bench.settle(at("2026-11-21T13:00Z"));
        let wake = bench.settle(at("2026-11-21T14:00Z")).expect("a wake-up");
        bench.settle(wake);
        let wanted =
            "2026-11-21T14:00:00Z skipped not_replaced_in_time: nightly#1 was not over within its startingDeadline of 5m";
        assert_eq!(bench.rows.last().map(line).as_deref(), Some(wanted), "catchUp: {catch_up}");
    }
    bench.finish();
    bench.settle(at("2026-11-21T15:00Z"));
    assert_eq!(bench.fires.len(), 2);
}

#[test]
fn a_refused_start_is_a_skipped_slot() {
    let fire = Fire { schedule: "nightly".into(), slot: at(START), catch_up: false };
    let refusals = [
        (Refusal::WorkflowRunning("update#7".into()), Skipped::WorkflowRunning),
        (Refusal::UnknownWorkflow("update".into()), Skipped::UnknownWorkflow),
        (Refusal::BadParams(vec!["a".into(), "b".into()]), Skipped::BadParams),
        (Refusal::NoTargets("nobody".into()), Skipped::NoTargets),
        (Refusal::NotRunnable("why".into()), Skipped::NotRunnable),
    ];
    let mut said = String::new();
    for (refusal, why) in refusals {
        let row = fire.refused(&refusal);
        assert_eq!((row.slot, row.last, row.slots, row.outcome), (at(START), at(START), 1, Outcome::Skipped(why)));
        said += &(line(&row) + "\n");
    }
    insta::assert_snapshot!(said);
    let trigger = fire.trigger();
    assert_eq!((trigger.kind, trigger.by.as_str(), trigger.slot), (TriggerKind::Schedule, "schedule/nightly", Some(at(START))));
    assert_eq!(trigger.schedule(), Some("nightly"));
}

#[test]
fn outcomes_cross_the_database_s_border_and_back() {
    let execution = pulse_protocol::ExecutionId(uuid::Uuid::from_u128(7));
    let skipped = Skipped::ALL.map(Outcome::Skipped).into_iter();
    let all: Vec<_> = skipped.chain(Missed::ALL.map(Outcome::Missed)).chain([Outcome::Fired(execution)]).collect();
    for outcome in &all {
        assert_eq!(Outcome::read(outcome.word(), outcome.reason(), outcome.execution()).as_ref(), Ok(outcome));
        assert!(outcome.word().len() <= 32 && outcome.reason().is_none_or(|word| word.len() <= 63));
    }
    for (outcome, reason, id) in [
        ("fired", None, None),
        ("fired", Some("too_late"), Some(execution)),
        ("missed", Some("no_targets"), None),
        ("skipped", None, None),
        ("", None, None),
    ] {
        assert!(Outcome::read(outcome, reason, id).is_err(), "{outcome} {reason:?}");
    }
}

#[test]
fn a_suspended_schedule_fires_nothing_and_records_nothing() {
    let mut bench = started(json!({"cron": "0 * * * *", "catchUp": "all"}));
    bench.schedule.suspended = true;
    for day in 21..25 {
        assert_eq!(bench.settle(at(&format!("2026-11-{day}T23:30Z"))), None);
    }
    assert_eq!(bench.last.as_ref().map(|last| &last.waiting), Some(&Waiting::Suspended));
    assert!(bench.schedule.upcoming(at(START), 10).is_empty());
    bench.schedule.suspended = false;
    let wake = bench.settle(at("2026-11-25T10:30Z"));
    assert_eq!((wake, bench.rows.len()), (Some(at("2026-11-25T11:00Z")), 0), "catch-up never looks behind the watermark");
    bench.settle(at("2026-11-25T11:00Z"));
    assert_eq!(bench.fires.len(), 1);
}

#[test]
fn another_timing_begins_now() {
    let mut bench = started(json!({"cron": "0 * * * *", "catchUp": "all"}));
    let old = bench.schedule.clone();
    bench.schedule = schedule(json!({"cron": "15 * * * *", "catchUp": "all"}));
    assert_ne!(old.digest, bench.schedule.digest);
    assert_eq!(bench.settle(at("2026-11-22T12:20Z")), Some(at("2026-11-22T13:15Z")));
    assert_eq!(bench.rows.len(), 0);
    // What does not say when leaves the watermark where it is.
    bench.schedule = schedule(json!({"cron": "15 * * * *", "catchUp": "latest", "jitter": "1m", "concurrencyPolicy": "Allow"}));
    let before = bench.state.clone();
    bench.settle(at("2026-11-22T12:30Z"));
    assert_eq!(bench.state, before);
}

#[test]
fn a_clock_set_back_fires_nothing_twice() {
    for back in ["2026-11-21T12:00Z", "2026-11-20T13:00Z"] {
        let mut bench = started(json!({"cron": "0 * * * *", "concurrencyPolicy": "Allow"}));
        bench.settle(at("2026-11-21T13:00Z"));
        assert_eq!(bench.settle(at(back)), Some(at("2026-11-21T14:00Z")), "{back}");
        let waiting = bench.last.as_ref().map(|last| last.waiting.clone());
        assert_eq!(waiting, Some(Waiting::ClockBehind { until: at("2026-11-21T13:00Z") }));
        bench.run(at(back), at("2026-11-21T15:30Z"), true);
        let slots: Vec<_> = bench.fires.iter().map(|(_, slot, _)| *slot).collect();
        assert_eq!(slots, ["2026-11-21T13:00Z", "2026-11-21T14:00Z", "2026-11-21T15:00Z"].map(at));
    }
}

#[test]
fn a_clock_set_forward_is_an_outage() {
    for (forward, rows) in [
        ("2026-11-21T13:30Z", "2026-11-21T13:00:00Z missed too_late: nothing could start it within its startingDeadline of 5m\n"),
        (
            "2026-11-22T12:30Z",
            "2026-11-21T13:00:00Z … 2026-11-22T12:00:00Z (24) missed too_late: nothing could start it within its startingDeadline of 5m\n",
        ),
    ] {
        let mut bench = started(json!({"cron": "0 * * * *"}));
        bench.settle(at(forward));
        assert_eq!(bench.said(), rows);
    }
}

#[test]
fn jitter_delays_a_slot_always_alike_and_never_past_its_bound() {
    let compiled = schedule(json!({"cron": "0 * * * *", "jitter": "10m"}));
    let upcoming = compiled.upcoming(at(START), 200);
    let delays: Vec<i64> = upcoming.iter().map(|next| next.at.0 - next.slot.0).collect();
    assert!(delays.iter().all(|delay| (0..=seconds(600)).contains(delay)));
    let distinct: std::collections::BTreeSet<_> = delays.iter().collect();
    assert!(
        distinct.len() > 190 && delays.iter().any(|d| *d < seconds(60)) && delays.iter().any(|d| *d > seconds(540)),
        "spread over all of it"
    );
    let mut bench = Bench::new(compiled.clone(), at(START));
    bench.run(at(START), at("2026-11-22T12:00Z"), true);
    assert_eq!(bench.fires.len(), 23);
    for (now, slot, _) in &bench.fires {
        assert_eq!(*now, compiled.fire_time(*slot), "neither early nor late");
    }
}
