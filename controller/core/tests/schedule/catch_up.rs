//! Outages: two days of `* * * * *` for each policy, short ones, days on which the clock changes, and a thousand schedules at once.

use crate::bench::{Bench, at, schedule, seconds};
use pulse_core::Timestamp;
use pulse_core::schedule::{CATCH_UP_PAUSE, CATCH_UP_SPREAD, Missed, Outcome};
use serde_json::{Value, json};

/// Runs up to `stop`, is away until `start`, and runs on until `end`.
fn outage(spec: Value, stop: &str, start: &str, end: &str) -> Bench {
    let begin = Timestamp(at(stop).0 - seconds(150));
    let mut bench = Bench::new(schedule(spec), begin);
    bench.run(begin, at(stop), true);
    bench.finish();
    bench.world.steady_since = at(start);
    bench.run(at(start), at(end), true);
    bench
}

#[test]
fn two_days_without_a_controller() {
    let outage = |spec: Value| outage(spec, "2026-11-19T12:00Z", "2026-11-21T12:00Z", "2026-11-21T12:03Z").said();
    insta::assert_snapshot!("none", outage(json!({"cron": "* * * * *"})));
    insta::assert_snapshot!("latest", outage(json!({"cron": "* * * * *", "catchUp": "latest"})));
    insta::assert_snapshot!("all", outage(json!({"cron": "* * * * *", "catchUp": "all", "catchUpLimit": 10})));
}

#[test]
fn a_short_outage_fires_the_newest_slot_that_is_on_time() {
    let outage = |spec: Value| outage(spec, "2026-11-21T12:00Z", "2026-11-21T12:10Z", "2026-11-21T12:10Z").said();
    insta::assert_snapshot!("short_none", outage(json!({"cron": "* * * * *"})));
    insta::assert_snapshot!("short_latest", outage(json!({"cron": "* * * * *", "catchUp": "latest"})));
}

#[test]
fn catch_up_is_oldest_first_one_at_a_time_and_with_a_pause() {
    let bench = outage(
        json!({"cron": "* * * * *", "catchUp": "all", "catchUpLimit": 100}),
        "2026-11-19T12:00Z",
        "2026-11-21T12:00Z",
        "2026-11-21T12:30Z",
    );
    let caught: Vec<_> = bench.fires.iter().filter(|(_, _, catch_up)| *catch_up).collect();
    assert!(caught.len() >= 100, "{}", caught.len());
    assert!(caught.windows(2).all(|pair| pair[0].1 < pair[1].1), "oldest first");
    assert!(caught.windows(2).all(|pair| pair[1].0.0 - pair[0].0.0 >= CATCH_UP_PAUSE.as_micros()), "with a pause");
    assert!(!bench.fires.last().expect("a fire").2, "and then every slot is on time again");
    assert_eq!(bench.fires.last().map(|fire| fire.0), Some(at("2026-11-21T12:30Z")));
}

#[test]
fn what_fires_every_second_is_on_time_again_after_an_outage() {
    // The limit is of late slots: here nothing is, so that nothing is lost. The schedule fires as often as every pause allows.
    for (every, jitter) in [("1s", "0s"), ("1s", "900ms"), ("3s", "0s"), ("1500ms", "1s")] {
        let begin = at("2026-11-21T12:00Z");
        let spec = json!({"every": every, "jitter": jitter, "catchUp": "all", "catchUpLimit": 1});
        let mut bench = Bench::new(schedule(spec), begin);
        bench.run(begin, Timestamp(begin.0 + seconds(10)), true);
        let back = Timestamp(begin.0 + seconds(30));
        bench.world.steady_since = back;
        bench.finish();
        bench.run(back, Timestamp(begin.0 + seconds(120)), true);
        let first = bench.fires.iter().find(|(now, ..)| *now >= back).expect("a fire");
        assert_eq!(first.0, back, "what is on time waits for no turn");
        assert!(bench.rows.iter().all(|row| matches!(row.outcome, Outcome::Fired(_))), "every {every}: {}", bench.said());
        let end: Vec<_> = bench.fires.iter().filter(|(now, ..)| now.0 >= begin.0 + seconds(90)).collect();
        assert!(end.len() >= 9, "every {every}: {end:?}");
        for (now, slot, catch_up) in end {
            assert_eq!((*now, *catch_up), (bench.schedule.fire_time(*slot), false), "every {every}: {slot} is on time");
        }
    }
}

#[test]
fn the_limit_is_of_late_slots() {
    let outage = |limit: u32| {
        let spec = json!({"every": "1s", "startingDeadline": "10s", "catchUp": "all", "catchUpLimit": limit});
        outage(spec, "2026-11-21T12:00Z", "2026-11-21T12:10Z", "2026-11-21T12:15Z")
    };
    let bench = outage(20);
    let lost: u64 = bench.rows.iter().filter(|row| row.outcome == Outcome::Missed(Missed::OverLimit)).map(|row| row.slots).sum();
    // Up to a minute until its turn, in which seconds become late; then it drains faster than it fills.
    assert!((570..=640).contains(&lost), "{lost} of 600 and what came until its turn");
    let last = bench.fires.last().expect("a fire");
    assert_eq!((last.0, last.2), (last.1, false), "on time again");
}

#[test]
fn catch_up_waits_for_the_end_of_its_own_executions() {
    let begin = at("2026-11-19T12:00Z");
    let mut bench = Bench::new(schedule(json!({"cron": "0 * * * *", "catchUp": "all", "concurrencyPolicy": "Allow"})), begin);
    bench.settle(begin);
    let back = at("2026-11-19T16:30Z");
    bench.settle(back);
    assert_eq!((bench.fires.len(), bench.rows.len()), (1, 1), "one at a time, whatever the policy");
    assert_eq!(bench.settle(Timestamp(back.0 + seconds(600))), Some(at("2026-11-19T17:00Z")));
    let waiting = bench.last.as_ref().map(|last| last.waiting.to_string()).expect("a decision");
    assert_eq!(waiting, "the end of nightly#1, before it catches up the slot 2026-11-19T14:00:00Z");
    bench.finish();
    bench.settle(Timestamp(back.0 + seconds(601)));
    assert_eq!(bench.fires.iter().map(|fire| fire.1).collect::<Vec<_>>(), [at("2026-11-19T13:00Z"), at("2026-11-19T14:00Z")]);
}

#[test]
fn a_thousand_schedules_do_not_fire_in_one_second() {
    let (begin, back) = (at("2026-11-19T12:00Z"), at("2026-11-21T12:00Z"));
    let mut seconds_of_fire = std::collections::BTreeMap::<i64, u32>::new();
    for number in 0..1000 {
        let mut compiled = schedule(json!({"cron": "30 3 * * *", "catchUp": "latest"}));
        compiled.name = format!("schedule-{number}");
        let mut bench = Bench::new(compiled, begin);
        bench.settle(begin);
        bench.world.steady_since = back;
        bench.run(back, at("2026-11-21T12:10Z"), true);
        let (now, slot, catch_up) = bench.fires[0];
        assert!(catch_up && slot == at("2026-11-21T03:30Z") && bench.fires.len() == 1);
        *seconds_of_fire.entry((now.0 - back.0) / seconds(1)).or_default() += 1;
    }
    let (last, most) = (seconds_of_fire.keys().last().copied(), seconds_of_fire.values().max().copied());
    assert!(last <= Some(CATCH_UP_SPREAD.as_micros() / seconds(1)) && most < Some(50), "{seconds_of_fire:?}");
}

#[test]
fn days_on_which_the_clock_changes() {
    let mut said = String::new();
    for (pattern, begin, end) in [
        ("30 2 * * *", "2026-03-28T00:00Z", "2026-03-30T12:00Z"),
        ("30 2 * * *", "2026-10-24T00:00Z", "2026-10-26T12:00Z"),
        ("0 */6 * * *", "2026-10-24T20:00Z", "2026-10-25T20:00Z"),
    ] {
        let mut bench = Bench::new(schedule(json!({"cron": pattern, "timeZone": "Europe/Berlin"})), at(begin));
        bench.run(at(begin), at(end), true);
        said += &format!("{pattern} from {begin}\n{}", bench.said());
    }
    insta::assert_snapshot!(said);
}
