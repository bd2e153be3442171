//! Runs: what became alike of slots that follow each other is one record, which names them truly.

use crate::bench::{at, line, schedule, seconds};
use pulse_core::Timestamp;
use pulse_core::schedule::{Missed, Outcome, ScheduleState, Settled, Skipped, World, decide};
use pulse_protocol::ExecutionId;
use serde_json::json;

fn record(first: &str, last: &str, slots: u64) -> Settled {
    let outcome = Outcome::Skipped(Skipped::StillRunning);
    Settled { slot: at(first), last: at(last), slots, outcome, message: "w#1 still runs".to_owned() }
}

#[test]
fn a_day_behind_a_long_execution_is_one_record() {
    let schedule = schedule(json!({"every": "10s"}));
    let start = at("2026-11-21T12:00Z");
    let mut state = ScheduleState { watermark: start, timing: schedule.digest.clone(), suspended: false };
    let open = pulse_core::schedule::OpenExecution {
        id: ExecutionId(uuid::Uuid::from_u128(1)),
        name: "w#1".to_owned(),
        replacing: false,
    };
    let world = World { open: vec![open], steady_since: start, last_fire: Some(start), pauses: Vec::new() };
    let mut records: Vec<Settled> = Vec::new();
    for slot in 1..=8640 {
        let decision = decide(&schedule, Some(&state), &world, Timestamp(start.0 + seconds(10 * slot)));
        for row in &decision.settled {
            match records.last_mut() {
                Some(last) if schedule.continues(last, row) => *last = last.joined(row),
                _ => records.push(row.clone()),
            }
        }
        state = decision.state.expect("a slot is settled");
    }
    let said: Vec<String> = records.iter().map(line).collect();
    assert_eq!(
        said,
        [
            "2026-11-21T12:00:10Z … 2026-11-22T12:00:00Z (8640) skipped still_running: w#1 still runs, and `concurrencyPolicy: Forbid` \
          allows one at a time"
        ]
    );
}

#[test]
fn a_record_goes_on_with_the_very_next_slot_that_ended_alike() {
    let five = schedule(json!({"cron": "*/5 * * * *"}));
    let (run, next) = (record("2026-11-21T12:00Z", "2026-11-21T12:10Z", 3), record("2026-11-21T12:15Z", "2026-11-21T12:15Z", 1));
    assert!(five.continues(&run, &next));
    let joined = run.joined(&next);
    assert_eq!((joined.slot, joined.last, joined.slots), (run.slot, next.last, 4));
    assert!(five.continues(&joined, &record("2026-11-21T12:20Z", "2026-11-21T12:40Z", 5)), "a run goes into a run");
    let fired = |row: &Settled| {
        let outcome = Outcome::Fired(ExecutionId(uuid::Uuid::from_u128(7)));
        Settled { outcome, message: String::new(), ..row.clone() }
    };
    let other = |outcome, row: &Settled| Settled { outcome, ..row.clone() };
    for (what, record, next) in [
        ("another outcome", run.clone(), other(Outcome::Missed(Missed::TooLate), &next)),
        ("another reason", run.clone(), other(Outcome::Skipped(Skipped::NoTargets), &next)),
        ("another sentence", run.clone(), Settled { message: "w#2 still runs".to_owned(), ..next.clone() }),
        ("fired", fired(&run), fired(&next)),
        ("a slot between", run.clone(), record("2026-11-21T12:20Z", "2026-11-21T12:20Z", 1)),
        ("no slot after it", run.clone(), record("2026-11-21T12:10Z", "2026-11-21T12:10Z", 1)),
        ("a record that counts too few", Settled { slots: 2, ..run.clone() }, next.clone()),
        ("a record that begins at no slot", record("2026-11-21T12:01Z", "2026-11-21T12:10Z", 2), next.clone()),
        ("a record that ends at no slot", record("2026-11-21T12:00Z", "2026-11-21T12:12Z", 3), next.clone()),
    ] {
        assert!(!five.continues(&record, &next), "{what}: {} and {}", line(&record), line(&next));
    }
}

/// The old timing's slots are not the new one's.
#[test]
fn another_timing_begins_another_record() {
    let seven = record("2026-11-21T12:07Z", "2026-11-21T12:21Z", 3);
    let five = schedule(json!({"cron": "*/5 * * * *"}));
    assert!(!five.continues(&seven, &record("2026-11-21T12:25Z", "2026-11-21T12:25Z", 1)));
}

/// What the clock shows twice is two slots, and what it leaves out is none.
#[test]
fn a_run_goes_through_changes_of_the_clock() {
    let berlin = |cron: &str| schedule(json!({"cron": cron, "timeZone": "Europe/Berlin"}));
    let night = record("2026-10-24T22:00Z", "2026-10-25T00:30Z", 6);
    assert!(berlin("*/30 * * * *").continues(&night, &record("2026-10-25T01:00Z", "2026-10-25T01:00Z", 1)));
    let days = record("2026-03-27T01:30Z", "2026-03-28T01:30Z", 2);
    assert!(berlin("30 2 * * *").continues(&days, &record("2026-03-29T01:00Z", "2026-03-29T01:00Z", 1)));
}
