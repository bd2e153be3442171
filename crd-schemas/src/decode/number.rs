//! Decoders of numbers. What YAML reads as a number and people do not, such as `0o17` and `1_000`, is refused.

use super::cursor::Cursor;
use super::report::Report;
use crate::problem::code;
use crate::tree::{Value, clip};
use serde_json::Number;
use std::ops::RangeInclusive;

/// Digits that every number with a point can have and still be written and read back as the same one.
const MAX_DIGITS: usize = 15;

/// A whole number within bounds.
pub fn whole(at: &Cursor, bounds: RangeInclusive<u32>, report: &mut Report) -> Option<u32> {
    let bounds = i64::from(*bounds.start())..=i64::from(*bounds.end());
    within(at, bounds, report).and_then(|value| u32::try_from(value).ok())
}

/// A whole number of 64 bits.
pub fn integer(at: &Cursor, report: &mut Report) -> Option<i64> {
    within(at, i64::MIN..=i64::MAX, report)
}

fn within(at: &Cursor, bounds: RangeInclusive<i64>, report: &mut Report) -> Option<i64> {
    let number = written_number(at, "a whole number", |text| text.parse::<i64>().is_ok(), report)?;
    let written = written(at, report);
    let digits = written.strip_prefix('-').unwrap_or(&written);
    let decimal = digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if !written.is_empty() && !decimal {
        let meant = number.as_i64().or_else(|| written.trim_start_matches('0').parse().ok());
        let help = meant.map(|value| format!("write `{value}`, if that is what you mean"));
        let message = format!("{} must be a whole number in decimal, but this is `{}`", at.label(), clip(&written));
        return report.error(at, code::WRONG_TYPE, message, help);
    }
    number.as_i64().filter(|value| bounds.contains(value)).or_else(|| {
        let message =
            format!("{} must be between {} and {}, but this is {}", at.label(), bounds.start(), bounds.end(), clip(&written));
        report.error(at, code::OUT_OF_RANGE, message, None)
    })
}

/// A number in decimal, perhaps with a point and an exponent.
pub fn number(at: &Cursor, report: &mut Report) -> Option<Number> {
    let number = written_number(at, "a number", |text| text.parse::<f64>().is_ok_and(f64::is_finite), report)?;
    let written = written(at, report);
    if !written.is_empty() && serde_json::from_str::<Number>(&written).is_err() {
        let message = format!("{} must be a number in decimal, but this is `{}`", at.label(), clip(&written));
        return report.error(at, code::WRONG_TYPE, message, Some(format!("write `{number}`, if that is what you mean")));
    }
    let mantissa = written.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
    let read_back = serde_json::from_str(&number.to_string()).is_ok_and(|same: Number| same == number);
    if !read_back || number.is_f64() && digits > MAX_DIGITS {
        let message = format!("{} cannot be kept exactly as it is written: `{}`", at.label(), clip(&written));
        let help = format!("write at most {MAX_DIGITS} digits and no large exponent, or a whole number of 64 bits");
        return report.error(at, code::OUT_OF_RANGE, message, Some(help));
    }
    Some(number)
}

fn written_number(at: &Cursor, wanted: &str, is_meant: impl Fn(&str) -> bool, report: &mut Report) -> Option<Number> {
    match &at.node.value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) if is_meant(text) => at.wrong_type(wanted, report, Some("leave the quotes out".into())),
        _ => at.wrong_type(wanted, report, None),
    }
}

fn written(at: &Cursor, report: &Report) -> String {
    report.text().get(at.node.span.start..at.node.span.end).unwrap_or_default().trim().to_owned()
}
