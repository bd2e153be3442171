//! Changes of the clock, leap days and the ends of months and years, as tables for people.

use crate::bench::at;
use crate::slots::cron;

/// Zone, pattern, after, and the slots that follow.
fn table(rows: &[(&str, &str, &str, &[&str])]) {
    for (zone, pattern, after, slots) in rows {
        let wanted: Vec<_> = slots.iter().map(|slot| at(slot)).collect();
        let found = cron(pattern, zone).upcoming(at(after), wanted.len());
        assert_eq!(found, wanted, "{pattern} in {zone}: {}", found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    }
}

#[test]
fn a_fixed_time_in_a_gap_fires_at_its_end() {
    table(&[
        // 02:00 CET becomes 03:00 CEST at 01:00Z.
        ("Europe/Berlin", "30 2 * * *", "2026-03-27T12:00Z", &["2026-03-28T01:30Z", "2026-03-29T01:00Z", "2026-03-30T00:30Z"]),
        ("Europe/Berlin", "30 2,14 * * *", "2026-03-28T20:00Z", &["2026-03-29T01:00Z", "2026-03-29T12:30Z"]),
        // 02:30 falls on 03:00, which it fires at, too: one slot.
        (
            "Europe/Berlin",
            "0,30 2,3 * * *",
            "2026-03-28T20:00Z",
            &["2026-03-29T01:00Z", "2026-03-29T01:30Z", "2026-03-30T00:00Z"],
        ),
        ("America/New_York", "30 2 * * *", "2026-03-07T12:00Z", &["2026-03-08T07:00Z", "2026-03-09T06:30Z"]),
        // Half an hour: 02:00 becomes 02:30 at 15:30Z.
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00Z", &["2026-10-03T15:30Z", "2026-10-04T15:15Z"]),
        // Midnight itself is missing: 00:00 becomes 01:00.
        ("Africa/Cairo", "0 0 * * *", "2026-04-23T00:00Z", &["2026-04-23T22:00Z", "2026-04-24T21:00Z"]),
        ("America/Santiago", "30 0 * * *", "2026-09-05T10:00Z", &["2026-09-06T04:00Z", "2026-09-07T03:30Z"]),
        // The gap of 23:00 to 24:00 ends on the next day.
        ("America/Nuuk", "30 23 * * *", "2026-03-28T10:00Z", &["2026-03-29T01:00Z", "2026-03-30T00:30Z"]),
    ]);
}

#[test]
fn a_fixed_time_that_comes_twice_fires_once() {
    table(&[
        ("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00Z", &["2026-10-25T00:30Z", "2026-10-26T01:30Z"]),
        ("America/New_York", "30 1 * * *", "2026-11-01T00:00Z", &["2026-11-01T05:30Z", "2026-11-02T06:30Z"]),
        ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04T00:00Z", &["2026-04-04T14:45Z", "2026-04-05T15:15Z"]),
        ("Africa/Cairo", "30 23 * * *", "2026-10-29T00:00Z", &["2026-10-29T20:30Z", "2026-10-30T21:30Z"]),
        ("Europe/Berlin", "30 2,3 * * *", "2026-10-24T12:00Z", &["2026-10-25T00:30Z", "2026-10-25T02:30Z"]),
    ]);
}

#[test]
fn an_interval_runs_through() {
    table(&[
        ("Europe/Berlin", "*/30 * * * *", "2026-03-29T00:29Z", &["2026-03-29T00:30Z", "2026-03-29T01:00Z", "2026-03-29T01:30Z"]),
        ("Europe/Berlin", "*/30 2 * * *", "2026-10-25T00:00Z", &["2026-10-25T00:30Z", "2026-10-25T01:00Z", "2026-10-25T01:30Z"]),
        ("Europe/Berlin", "*/30 2 * * *", "2026-03-28T02:00Z", &["2026-03-30T00:00Z"]),
        (
            "Australia/Lord_Howe",
            "*/30 * * * *",
            "2026-04-04T14:29Z",
            &["2026-04-04T14:30Z", "2026-04-04T15:00Z", "2026-04-04T15:30Z"],
        ),
        ("America/Santiago", "0 * * * *", "2026-09-06T03:00Z", &["2026-09-06T04:00Z", "2026-09-06T05:00Z"]),
    ]);
}

#[test]
fn leap_days_and_ends_of_months_and_years() {
    table(&[
        ("UTC", "0 0 29 2 *", "2024-03-01T00:00Z", &["2028-02-29T00:00Z", "2032-02-29T00:00Z"]),
        ("UTC", "0 0 29 2 *", "2096-03-01T00:00Z", &["2104-02-29T00:00Z"]),
        (
            "UTC",
            "0 0 31 * *",
            "2026-01-31T00:00Z",
            &["2026-03-31T00:00Z", "2026-05-31T00:00Z", "2026-07-31T00:00Z", "2026-08-31T00:00Z"],
        ),
        ("UTC", "0 0 L * *", "2028-01-31T00:00Z", &["2028-02-29T00:00Z", "2028-03-31T00:00Z", "2028-04-30T00:00Z"]),
        ("Europe/Berlin", "59 23 31 12 *", "2026-01-01T00:00Z", &["2026-12-31T22:59Z", "2027-12-31T22:59Z"]),
        ("Europe/Berlin", "@yearly", "2026-06-01T00:00Z", &["2026-12-31T23:00Z"]),
        ("UTC", "* * * * *", "2026-12-31T23:59Z", &["2027-01-01T00:00Z", "2027-01-01T00:01Z"]),
    ]);
}

#[test]
fn the_day_fields_go_together_as_vixie_says() {
    table(&[
        // Either: the 13th, and every Friday.
        (
            "UTC",
            "0 0 13 * 5",
            "2026-02-01T00:00Z",
            &["2026-02-06T00:00Z", "2026-02-13T00:00Z", "2026-02-20T00:00Z", "2026-02-27T00:00Z"],
        ),
        ("UTC", "0 0 10 * 5", "2026-02-01T00:00Z", &["2026-02-06T00:00Z", "2026-02-10T00:00Z", "2026-02-13T00:00Z"]),
        // Both, because one begins with `*`: odd days that are Mondays.
        ("UTC", "0 0 */2 * 1", "2026-02-01T00:00Z", &["2026-02-09T00:00Z", "2026-02-23T00:00Z", "2026-03-09T00:00Z"]),
        ("UTC", "0 0 1-7 * */7", "2026-02-02T00:00Z", &["2026-03-01T00:00Z", "2026-04-05T00:00Z"]),
        ("UTC", "0 0 * * 7", "2026-02-02T00:00Z", &["2026-02-08T00:00Z"]),
        (
            "UTC",
            "0 0 * * FRI-SUN",
            "2026-02-02T00:00Z",
            &["2026-02-06T00:00Z", "2026-02-07T00:00Z", "2026-02-08T00:00Z", "2026-02-13T00:00Z"],
        ),
        ("UTC", "0 0 * JAN,jul MON#1", "2026-02-02T00:00Z", &["2026-07-06T00:00Z", "2027-01-04T00:00Z"]),
        ("UTC", "0 0 * * 5#L", "2026-02-02T00:00Z", &["2026-02-27T00:00Z", "2026-03-27T00:00Z"]),
    ]);
}
