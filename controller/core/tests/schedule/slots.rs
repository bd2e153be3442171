//! Slots against the oracle, croner's own search against both, and what is said about a rhythm.

use crate::bench::{at, full};
use crate::oracle;
use crd_schemas::manifest::Rhythm;
use jiff::Timestamp as Instant;
use proptest::prelude::*;
use pulse_core::Timestamp;
use pulse_core::schedule::Timing;

const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
    "America/Nuuk",
    "Asia/Gaza",
    "Africa/Casablanca",
    "Pacific/Apia",
    "America/St_Johns",
    "Asia/Kathmandu",
];

/// All zones, or those whose gaps differ most: at night, at midnight, of half an hour, around Ramadan.
fn zones() -> impl Iterator<Item = &'static str> {
    let few = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "Africa/Casablanca"];
    ZONES.into_iter().filter(move |zone| full() || few.contains(zone))
}

pub fn cron(pattern: &str, zone: &str) -> Timing {
    let rhythm = Rhythm::Cron { cron: pattern.to_owned(), time_zone: zone.to_owned() };
    Timing::compile(&rhythm).unwrap_or_else(|errors| panic!("{pattern} in {zone}: {errors:?}"))
}

fn every(text: &str) -> Timing {
    Timing::compile(&Rhythm::Every { every: text.parse().expect("a duration") }).expect("a timing")
}

fn instant(at: Timestamp) -> Instant {
    Instant::from_microsecond(at.0).expect("in range")
}

/// Everything that a timing answers about a time, against the oracle.
fn same_as_oracle(pattern: &str, zone: &str, after: Timestamp, until: Timestamp) {
    let timing = cron(pattern, zone);
    let slots = oracle::slots(pattern, &oracle::zone(zone), instant(after), instant(until));
    let wanted: Vec<Timestamp> = slots.into_iter().map(|slot| Timestamp(slot.as_microsecond())).collect();
    let context = format!("{pattern} in {zone} after {after} until {until}");
    assert_eq!(timing.slots_between(after, until, usize::MAX), wanted, "{context}");
    assert_eq!(timing.count_between(after, until), wanted.len() as u64, "count: {context}");
    for most in [1, 2, 7, 400] {
        let newest = wanted[wanted.len().saturating_sub(most)..].to_vec();
        assert_eq!(timing.newest_between(after, until, most), newest, "newest {most}: {context}");
    }
    assert_eq!(timing.last_between(after, until), wanted.last().copied(), "{context}");
}

#[test]
fn a_year_of_every_zone_is_as_the_walk_through_its_minutes_says() {
    let patterns = [
        "30 2 * * *",
        "0,30 1-3 * * *",
        "*/30 * * * *",
        "30 2,14 * * *",
        "15 0 * * 0",
        "0 0,23 * * *",
        "30 */2 * * 6,7",
        "59 23 31 12 *",
        "0 0 29 2 *",
        "0 12 L * *",
        "0 3 13 * 5",
        "0 3 */2 * 1",
        "0 4 * * 1#1,5#L",
        "5-55/10 */6 1-7 3,10 *",
    ];
    for zone in zones() {
        for pattern in patterns {
            same_as_oracle(pattern, zone, at("2023-12-30T10:17Z"), at("2025-01-02T00:00Z"));
        }
    }
}

#[test]
fn every_change_of_a_clock_of_the_world_in_a_year_is_as_the_walk_says() {
    let (mut changes, hours) = (0, 30 * 3_600_000_000);
    for name in jiff::tz::TimeZoneDatabase::bundled().available() {
        let zone = oracle::zone(name.as_str());
        let all = zone.following(instant(at("2026-01-01T00:00Z"))).map(|change| Timestamp(change.timestamp().as_microsecond()));
        for change in all.take_while(|change| *change < at("2027-01-01T00:00Z")) {
            changes += 1;
            let (after, until) = (Timestamp(change.0 - hours), Timestamp(change.0 + hours));
            same_as_oracle("10,40 0,1,2,3,22,23 * * *", name.as_str(), after, until);
            same_as_oracle("*/20 */2 * * *", name.as_str(), after, until);
        }
    }
    assert!(changes > 200, "{changes} changes");
}

/// A field of random items.
fn field(least: u32, most: u32) -> impl Strategy<Value = String> {
    let number = (least..=most).prop_map(|number| number.to_string());
    let range = (least..=most, least..=most).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b)));
    let stepped = (least..=most, least..=most, 1..=(most - least)).prop_map(|(a, b, s)| format!("{}-{}/{s}", a.min(b), a.max(b)));
    let star = (1..=(most - least)).prop_map(|step| format!("*/{step}"));
    let item = prop_oneof![3 => number, 1 => range, 1 => stepped];
    prop_oneof![
        3 => Just("*".to_owned()),
        1 => star,
        4 => proptest::collection::vec(item, 1..4).prop_map(|items| items.join(",")),
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    let fields = (field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 7));
    fields.prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if full() { 100 } else { 20 }, ..ProptestConfig::default() })]

    #[test]
    fn random_patterns_are_as_the_walk_says(pattern in pattern(), zone in 0..ZONES.len(), start in 0..20_000_u32, hours in 1..2_000_i64) {
        let after = Timestamp(at("2010-01-01T00:00Z").0 + i64::from(start) * 7 * 3_600_000_000 + 61_000_001);
        let rhythm = Rhythm::Cron { cron: pattern.clone(), time_zone: "UTC".to_owned() };
        // A pattern that never fires is refused; that is no slot to compare.
        prop_assume!(Timing::compile(&rhythm).is_ok());
        same_as_oracle(&pattern, ZONES[zone], after, Timestamp(after.0 + hours * 3_600_000_000));
    }
}

/// Where croner's own search agrees, it is a second witness; the patterns in which it does not are the reason for ours.
#[test]
fn croner_agrees_but_for_lists_of_fixed_times() {
    let croner = |pattern: &str, zone: &str, after: Timestamp| {
        let cron: croner::Cron = pattern.parse().expect("a pattern");
        let found = cron.find_next_occurrence(&instant(after).to_zoned(oracle::zone(zone)), false).expect("a time");
        Timestamp(found.timestamp().as_microsecond())
    };
    let alike = ["30 2 * * *", "0 0 1 * *", "*/15 * * * *", "0 */3 * * 1-5", "0 12 L * *", "0 3 13 * 5", "0 4 * * 1#1"];
    for zone in ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"] {
        for pattern in alike {
            let (mut after, timing) = (at("2026-01-01T00:00Z"), cron(pattern, zone));
            for _ in 0..400 {
                let next = timing.next_after(after).expect("a slot");
                assert_eq!(next, croner(pattern, zone, after), "{pattern} in {zone} after {after}");
                // Four hundred slots over the year, not over four hundred quarters of an hour.
                after = Timestamp(next.0 + 22 * 3_600_000_000);
            }
        }
    }
    let before = at("2026-03-28T20:00Z");
    assert_eq!(
        cron("30 2,14 * * *", "Europe/Berlin").next_after(before),
        Some(at("2026-03-29T01:00Z")),
        "02:30 is the gap's end"
    );
    assert_eq!(
        croner("30 2,14 * * *", "Europe/Berlin", before),
        at("2026-03-29T12:30Z"),
        "croner drops it: look whether ours is needed"
    );
}

#[test]
fn every_counts_from_the_epoch() {
    let timing = every("7m");
    let slots = timing.upcoming(at("2026-03-29T00:55Z"), 3);
    assert!(
        slots.iter().all(|slot| slot.0 % (7 * 60_000_000) == 0) && slots.windows(2).all(|w| w[1].0 - w[0].0 == 7 * 60_000_000)
    );
    assert_eq!(every("1h").next_after(Timestamp(-1)), Some(Timestamp(0)));
    assert_eq!(every("1s").next_after(Timestamp(i64::MAX)), None);
    assert_eq!(every("1s").count_between(at("2020-01-01T00:00Z"), at("2026-01-01T00:00Z")), 6 * 365 * 86_400 + 2 * 86_400);
    assert_eq!(
        every("1s").newest_between(Timestamp(0), at("2026-01-01T00:00Z"), 2),
        [at("2025-12-31T23:59Z").0 + 59_000_000, at("2026-01-01T00:00Z").0].map(Timestamp)
    );
}

#[test]
fn the_ends_of_time_are_no_panic() {
    for timing in [cron("* * * * *", "Europe/Berlin"), cron("0 0 29 2 *", "UTC"), every("1s"), every("366d")] {
        for end in
            [Timestamp(i64::MIN), Timestamp(i64::MAX), Timestamp(-377_705_023_200_000_000), Timestamp(253_402_207_200_000_000)]
        {
            timing.next_after(end);
            timing.last_between(end, Timestamp(0));
            timing.newest_between(Timestamp(0), end, 3);
            timing.upcoming(end, 3);
        }
    }
}

#[test]
fn years_are_counted_without_listing_them() {
    // By listing, this would be 300 million slots.
    let (after, until) = (at("2016-01-01T00:00Z"), at("2026-01-01T00:00Z"));
    assert_eq!(cron("* * * * *", "Europe/Berlin").count_between(after, until), 3653 * 1440);
    assert_eq!(cron("* * * * *", "Europe/Berlin").newest_between(after, until, 1000).len(), 1000);
    assert_eq!(every("1s").newest_between(after, until, 1000).len(), 1000);
    assert_eq!(every("1s").count_between(after, until), 3653 * 86_400);
}

#[test]
fn the_shortest_gap_knows_changes_of_the_clock() {
    let gap = |pattern: &str, zone: &str| cron(pattern, zone).shortest_gap().map(|gap| gap.to_string());
    let hours: Vec<String> = (0..24).map(|hour| hour.to_string()).collect();
    let fixed = format!("15 {} * * *", hours.join(","));
    for (pattern, zone, wanted) in [
        (fixed.as_str(), "UTC", Some("1h")),
        // 02:15 fires at 03:00, a quarter of an hour before 03:15.
        (fixed.as_str(), "Europe/Berlin", Some("15m")),
        ("30 2 * * *", "UTC", Some("1d")),
        ("30 2 * * *", "Europe/Berlin", Some("1410m")),
        ("30 0 * * *", "America/Santiago", Some("1410m")),
        ("* * * * *", "Australia/Lord_Howe", Some("1m")),
        ("0 0,23 * * *", "UTC", Some("1h")),
        ("59 23 1 * *", "UTC", Some("28d")),
        ("0 0 13 * 5", "UTC", Some("1d")),
        ("@yearly", "UTC", Some("366d")),
        ("0 0 29 2 *", "UTC", None),
    ] {
        assert_eq!(gap(pattern, zone).as_deref(), wanted, "{pattern} in {zone}");
    }
    assert_eq!(every("7s").shortest_gap(), "7s".parse().ok());
}

/// Against every pair of slots of those two years.
#[test]
fn the_shortest_gap_is_that_of_the_slots() {
    let patterns = ["15,45 */3 * * *", "5 1,2,3,4 * * *", "0 0,12 * * 1-5", "30 23 * * *", "30 2 * * 0", "50 1,3 L * *"];
    for zone in zones() {
        for pattern in patterns {
            let timing = cron(pattern, zone);
            let (after, until) = (at("2023-12-31T23:59Z"), at("2025-12-30T00:00Z"));
            let slots = timing.slots_between(after, until, usize::MAX);
            let wanted = slots.windows(2).map(|pair| pair[1].since(pair[0])).min();
            assert_eq!(timing.shortest_gap(), wanted, "{pattern} in {zone}");
        }
    }
}

#[test]
fn a_digest_is_of_when_and_of_nothing_else() {
    let same = [cron("0 0 * * 0", "UTC"), cron("@weekly", "UTC"), cron("0  0 * * sun", "UTC")].map(|timing| timing.digest());
    assert!(same.iter().all(|digest| *digest == same[0] && digest.len() == 64), "{same:?}");
    let other = [cron("0 0 * * 1", "UTC"), cron("0 0 * * 0", "Europe/Berlin"), every("7d")].map(|timing| timing.digest());
    assert!(!other.contains(&same[0]) && other[0] != other[1] && other[1] != other[2], "{other:?}");
}

#[test]
fn people_read_when_it_fires() {
    let patterns = [
        "30 2 * * *",
        "@daily",
        "@hourly",
        "*/15 * * * *",
        "0 9-17 * * MON-FRI",
        "0 0 1,15 * *",
        "0 12 L * *",
        "0 3 13 * 5",
        "0 3 */2 * 1",
        "0 4 * * MON#1",
        "0 4 * * FRI#L",
        "15 3 * 1,7 *",
    ];
    let mut said: String = patterns.map(|pattern| format!("{pattern}: {}\n", cron(pattern, "Europe/Berlin").describe())).concat();
    said += &format!("{}\n", every("15m").describe());
    insta::assert_snapshot!(said);
}
