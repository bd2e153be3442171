//! Times in the viewer's zone, ages and durations as people say them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time in the system's zone, to the second.
pub fn local(time: Timestamp) -> String {
    in_zone(time, TimeZone::system())
}

fn in_zone(time: Timestamp, zone: TimeZone) -> String {
    time.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// How long ago a time is.
pub fn age(time: Option<Timestamp>, now: Timestamp) -> String {
    time.map_or_else(String::new, |time| milliseconds(now.as_millisecond().saturating_sub(time.as_millisecond())))
}

/// How far a time is, to the second: `in 57m12s`, or `over`.
pub fn left(time: Timestamp, now: Timestamp) -> String {
    let seconds = time.as_millisecond().saturating_sub(now.as_millisecond()) / 1000;
    if seconds > 0 { format!("in {}", milliseconds(seconds * 1000)) } else { "over".to_owned() }
}

/// From one time to another, or until now while there is no other.
pub fn between(from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> String {
    age(from, to.unwrap_or(now))
}

/// A duration by its two largest units: `850ms`, `4.2s`, `3m12s`, `5h03m`, `12d4h`. Clocks that disagree give `0s`.
pub fn milliseconds(duration: i64) -> String {
    let duration = duration.max(0);
    let (seconds, minutes, hours) = (duration / 1000, duration / 60_000, duration / 3_600_000);
    match duration {
        0 => "0s".to_owned(),
        1..1000 => format!("{duration}ms"),
        1000..10_000 => format!("{seconds}.{}s", duration % 1000 / 100),
        10_000..60_000 => format!("{seconds}s"),
        60_000..3_600_000 => format!("{minutes}m{:02}s", seconds % 60),
        3_600_000..86_400_000 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{}d{}h", hours / 24, hours % 24),
    }
}

/// Bytes by their largest unit.
pub fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{:.1} KiB", count as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", count as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", count as f64 / 1_073_741_824.0),
    }
}

#[cfg(test)]
mod tests {
    use super::{between, bytes, in_zone, left, milliseconds};
    use jiff::Timestamp;
    use jiff::tz::{TimeZone, offset};

    #[test]
    fn durations_are_short_and_never_negative() {
        let shown = [-5, 0, 850, 4_250, 12_999, 192_000, 18_180_000, 1_051_200_000].map(milliseconds);
        assert_eq!(shown, ["0s", "0s", "850ms", "4.2s", "12s", "3m12s", "5h03m", "12d4h"]);
    }

    #[test]
    fn times_are_shown_in_the_viewers_zone() {
        let time: Timestamp = "2026-11-21T05:30:00.5Z".parse().unwrap();
        assert_eq!(in_zone(time, TimeZone::fixed(offset(2))), "2026-11-21 07:30:00 +02");
        assert_eq!(between(Some(time), None, time), "0s");
        assert_eq!(between(None, None, time), "");
        let at = |time: &str| time.parse().unwrap();
        assert_eq!(left(at("2026-11-21T06:30:01Z"), time), "in 1h00m");
        assert_eq!(left(time, at("2026-11-21T06:30:01Z")), "over");
    }

    #[test]
    fn bytes_have_units() {
        assert_eq!([0, 1023, 1536, 5_242_880].map(bytes), ["0 B", "1023 B", "1.5 KiB", "5.0 MiB"]);
    }
}
