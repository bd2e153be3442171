//! Slots by brute force: every minute is asked, by rules written here once more. Nothing of croner or of the crate is used.

use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp as Instant, ToSpan};
use std::collections::BTreeSet;

pub fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).expect("a zone")
}

/// Does an item list match? Only numbers, ranges, steps, `*`.
fn matches(field: &str, value: u32, least: u32, most: u32) -> bool {
    field.split(',').any(|item| {
        let (range, step) = item.split_once('/').unwrap_or((item, "1"));
        let step: u32 = step.parse().expect("a step");
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (from.parse().expect("a number"), to.parse().expect("a number")),
            None => (range.parse().expect("a number"), range.parse().expect("a number")),
        };
        (from..=to).contains(&value) && (value - from).is_multiple_of(step)
    })
}

fn day_of_month(field: &str, date: Date) -> bool {
    let day = u32::try_from(date.day()).expect("a day");
    field.split(',').any(|item| match item {
        "L" => date.day() == date.days_in_month(),
        _ => matches(item, day, 1, 31),
    })
}

fn day_of_week(field: &str, date: Date) -> bool {
    let weekday = u32::try_from(date.weekday().to_sunday_zero_offset()).expect("a weekday");
    field.split(',').any(|item| match item.split_once('#') {
        Some((day, which)) => {
            let same = day.parse::<u32>().expect("a weekday") % 7 == weekday;
            let nth = match which {
                "L" => date.day() + 7 > date.days_in_month(),
                nth => (date.day() - 1) / 7 + 1 == nth.parse::<i8>().expect("a number"),
            };
            same && nth
        }
        None => matches(item, weekday, 0, 7) || (weekday == 0 && matches(item, 7, 0, 7)),
    })
}

fn day(fields: &[&str], date: Date) -> bool {
    let month = u32::try_from(date.month()).expect("a month");
    let (dom, dow) = (day_of_month(fields[2], date), day_of_week(fields[4], date));
    let days = if fields[2].starts_with('*') || fields[4].starts_with('*') { dom && dow } else { dom || dow };
    days && matches(fields[3], month, 1, 12)
}

/// Every slot of a pattern in a zone, after the one instant, up to and including the other.
pub fn slots(pattern: &str, zone: &TimeZone, after: Instant, until: Instant) -> BTreeSet<Instant> {
    let fields: Vec<&str> = pattern.split(' ').collect();
    let interval = fields[0].starts_with('*') || fields[1].starts_with('*');
    let hours: Vec<u32> = (0..24).filter(|hour| matches(fields[1], *hour, 0, 23)).collect();
    let minutes: Vec<u32> = (0..60).filter(|minute| matches(fields[0], *minute, 0, 59)).collect();
    let mut slots = BTreeSet::new();
    let mut date = zone.to_datetime(after).date().saturating_sub(2.days());
    let last = zone.to_datetime(until).date().saturating_add(2.days());
    while date <= last {
        if day(&fields, date) {
            for (hour, minute) in hours.iter().flat_map(|hour| minutes.iter().map(|minute| (*hour, *minute))) {
                let time = date.at(i8::try_from(hour).expect("an hour"), i8::try_from(minute).expect("a minute"), 0, 0);
                match zone.to_ambiguous_timestamp(time).offset() {
                    AmbiguousOffset::Unambiguous { offset } => drop(slots.insert(offset.to_timestamp(time).expect("in range"))),
                    AmbiguousOffset::Fold { before, after } => {
                        slots.insert(before.to_timestamp(time).expect("in range"));
                        if interval {
                            slots.insert(after.to_timestamp(time).expect("in range"));
                        }
                    }
                    AmbiguousOffset::Gap { .. } if interval => {}
                    // The first minute that exists, found by walking.
                    AmbiguousOffset::Gap { .. } => {
                        let mut walked = time;
                        while !matches!(zone.to_ambiguous_timestamp(walked).offset(), AmbiguousOffset::Unambiguous { .. }) {
                            walked = walked.saturating_add(1.minute());
                        }
                        slots.insert(zone.to_timestamp(walked).expect("in range"));
                    }
                }
            }
        }
        date = date.tomorrow().expect("in range");
    }
    slots.into_iter().filter(|slot| after < *slot && *slot <= until).collect()
}
