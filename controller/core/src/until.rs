//! The time of a `wait` step's `until`.

use crate::schedule::zone::UnknownZone;
use crate::time::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// The instant that a text names: RFC 3339, or a time of day, of which the next one counts, in a zone of the time zone database
/// (UTC unless said). The error is a sentence.
pub fn instant(text: &str, zone: Option<&str>, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp(at.as_microsecond()));
    }
    let time = time_of_day(text).ok_or_else(|| {
        let shown: String = text.chars().take(60).collect();
        format!("`{shown}` is no time; write an instant such as `2026-11-22T02:00:00Z`, or a time of day such as `02:00`")
    })?;
    let zone = zone_of(zone)?;
    let far = |_| "the time is out of range".to_owned();
    let now = jiff::Timestamp::from_microsecond(now.0).map_err(far)?.to_zoned(zone.clone());
    let mut date = now.date();
    // Two days at most: the first may have no such time left, and a gap may move the second past it.
    for _ in 0..3 {
        let at = zone.to_zoned(date.to_datetime(time)).map_err(far)?;
        if at >= now {
            return Ok(Timestamp(at.timestamp().as_microsecond()));
        }
        date = date.tomorrow().map_err(far)?;
    }
    Err("the time is out of range".to_owned())
}

/// The zone of this name.
pub fn zone_of(zone: Option<&str>) -> Result<TimeZone, String> {
    zone.map_or(Ok(TimeZone::UTC), |name| {
        let unknown = |error: UnknownZone| format!("{}; {}", error.message, error.help);
        crate::schedule::zone::zone(name).map_err(unknown)
    })
}

/// `02:00` or `02:00:30`.
fn time_of_day(text: &str) -> Option<Time> {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |part: &str| {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse::<i8>().ok()).flatten()
    };
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] => (number(hour)?, number(minute)?, 0),
        [hour, minute, second] => (number(hour)?, number(minute)?, number(second)?),
        _ => return None,
    };
    Time::new(hour, minute, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().expect("a time").as_microsecond())
    }

    #[test]
    fn instants_and_times_of_day_are_found() {
        let now = at("2026-11-21T10:00:00Z");
        let cases = [
            ("2026-11-22T02:00:00Z", None, "2026-11-22T02:00:00Z"),
            ("2026-11-22T02:00:00+01:00", None, "2026-11-22T01:00:00Z"),
            ("2020-01-01T00:00:00Z", None, "2020-01-01T00:00:00Z"),
            ("10:00", None, "2026-11-21T10:00:00Z"),
            ("09:59", None, "2026-11-22T09:59:00Z"),
            ("10:30:15", None, "2026-11-21T10:30:15Z"),
            ("11:30", Some("Europe/Berlin"), "2026-11-21T10:30:00Z"),
        ];
        for (text, zone, expected) in cases {
            assert_eq!(instant(text, zone, now), Ok(at(expected)), "{text} {zone:?}");
        }
    }

    #[test]
    fn a_time_in_a_gap_comes_after_it() {
        let now = at("2027-03-27T20:00:00Z");
        assert_eq!(instant("02:30", Some("Europe/Berlin"), now), Ok(at("2027-03-28T01:30:00Z")));
    }

    #[test]
    fn what_is_no_time_is_said() {
        for text in ["", "tomorrow", "25:00", "2:00", "+2:00", "02:+1", "2026-11-22"] {
            assert!(instant(text, None, Timestamp(0)).is_err_and(|error| error.contains("is no time")), "{text}");
        }
        assert!(instant("02:00", Some("Mars/Base"), Timestamp(0)).is_err());
    }
}
