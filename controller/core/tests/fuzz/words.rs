//! The small words of the language: cron patterns, time zones, instants, targets; and what `parse` steps read.

use super::fuzz;
use crd_schemas::manifest::{ParseFormat, Rhythm};
use pulse_core::Timestamp;
use pulse_core::output;
use pulse_core::pattern::Pattern;
use pulse_core::schedule::{Timing, TimingError};
use pulse_core::selector::TargetItem;
use pulse_core::until;

/// 2026-03-29T00:30:00Z: half an hour before clocks go forward in much of Europe.
const NOW: Timestamp = Timestamp(1_774_744_200_000_000);

/// An error points into its text, at whole characters.
fn points_into(text: &str, error: &TimingError) {
    let at = &error.error.at;
    assert!(text.get(at.clone()).is_some(), "{error:?} does not point into {text:?}");
}

#[test]
fn patterns_of_schedules() {
    #[rustfmt::skip]
    let pieces = [
        "* ", "0 ", "5", "59", "60", "7", "31", "12", "2", "29", "0", "*/", "/", "-", ",", " ", "  ", "\t", "L", "W", "#", "?", "mon", "SUN", "jan",
        "Dec", "@daily", "@every 5m", "@reboot", "@", "00", "99999999999999999999", "-1", "1-", "é", "\u{1f680}", "\n", "~", "* * * * ", "30 2 ",
    ];
    fuzz(&pieces, 12, |text| {
        for time_zone in ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"] {
            match Timing::compile(&Rhythm::Cron { cron: text.to_owned(), time_zone: time_zone.to_owned() }) {
                Ok(timing) => {
                    let slots = timing.upcoming(NOW, 5);
                    assert!(!slots.is_empty(), "{text:?} never fires in {time_zone}");
                    assert!(slots[0] > NOW && slots.is_sorted_by(|one, next| one < next), "{text:?}: {slots:?}");
                    assert_eq!(timing.count_between(NOW, slots[slots.len() - 1]), slots.len() as u64, "{text:?} in {time_zone}");
                    assert!(!timing.describe().is_empty());
                }
                Err(errors) => {
                    assert!(!errors.is_empty(), "refused without a reason: {text:?}");
                    errors.iter().for_each(|error| points_into(text, error));
                }
            }
        }
    });
}

#[test]
fn zones_and_instants() {
    #[rustfmt::skip]
    let pieces = [
        "2026-11-22", "T", "02:00", ":", "00", "24", "23", "59", "60", "Z", "+02:00", "-", "+", " ", "Europe/", "Berlin", "UTC", "GMT+5", "..", "/",
        "posix", "\\", "\u{0}", "é", "America/New_York", "[UTC]", "1", "0", "9999", "-9999-01-01T00:00:00Z", "t", "z", "Factory",
    ];
    fuzz(&pieces, 6, |text| {
        let _ = until::zone_of(Some(text));
        for zone in [None, Some("Europe/Berlin"), Some(text)] {
            match until::instant(text, zone, NOW) {
                Ok(at) => assert!(text.contains(['T', 't', ' ']) || at >= NOW, "{text:?} is {at:?}, which is over"),
                Err(error) => assert!(!error.is_empty()),
            }
        }
    });
}

#[test]
fn targets() {
    #[rustfmt::skip]
    let pieces = [
        "all", "ALL", "web", "-1", "role", "=", "!=", ",", "==", "!", " ", "self/", "/", "{{", "}}", "params.", "{{ params.x }}", ".", "_", "é", "\n",
        "*", "in", "(", ")", "env!=dev", "role=web", "\u{202e}", "\u{0}",
    ];
    fuzz(&pieces, 8, |text| match text.parse::<TargetItem>() {
        Ok(item) => assert_eq!(item.to_string().parse(), Ok(item), "{text:?} reads otherwise when it is written again"),
        Err(error) => assert!(!error.message.is_empty() && !error.help.is_empty(), "{text:?}"),
    });
}

#[test]
fn output_of_commands() {
    #[rustfmt::skip]
    let pieces = [
        "KEY", "=", "value", "\n", "\r\n", "\u{2028}", "_", "0", " ", "\u{feff}", "é", "{", "}", "[", "]", "\"a\"", ":", ",", "1e999", "-0", "null",
        "\\u0000", "\\ud800", "[[[[[[[[[[[[[[[[", "{\"a\":", "99999999999999999999999", "(?P<a>", "(?<b>.*)", ")", "|", "+", "*", "(a{99})", "\\b", "^",
    ];
    fuzz(&pieces, 20, |text| {
        let pattern = Pattern::compile(text).ok();
        for format in [ParseFormat::Keyvalue, ParseFormat::Json, ParseFormat::Regex] {
            match output::read(format, pattern.as_ref(), text) {
                Ok(values) => assert!(output::size(&values) <= 8 * text.len() + 64, "{text:?} grows"),
                Err(error) => assert!(!error.is_empty()),
            }
        }
    });
}
