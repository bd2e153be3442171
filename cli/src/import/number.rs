//! Times and counts of the old PULSE, read by its own rules: JavaScript's `parseInt`, then a clamp.

use crd_schemas::Duration;
use serde_json::Value;

/// What the numbers of `timeout` are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum TimeoutUnit {
    /// At most 600 are seconds, 5000 and more are milliseconds, between them is an error
    #[default]
    Auto,
    /// Seconds, brought within 5 and 600
    S,
    /// Milliseconds
    Ms,
}

/// What a field says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    /// Nothing, or what JavaScript takes for nothing: 0, an empty text, `null`, `false`.
    None,
    /// A whole number.
    Whole(i64),
    /// Something else.
    Nan,
}

/// `parseInt(value)`.
fn parse_int(value: &Value) -> Number {
    match value {
        Value::Null | Value::Bool(false) => Number::None,
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Number::None,
            // Beyond these JavaScript writes an exponent, which `parseInt` does not read.
            Some(number) if number.abs() < 1e15 && number.abs() >= 1e-6 => Number::Whole(number.trunc() as i64),
            _ => Number::Nan,
        },
        Value::String(text) if text.is_empty() => Number::None,
        Value::String(text) => {
            let text = text.trim();
            let (sign, digits) = text.strip_prefix('-').map_or((1, text.strip_prefix('+').unwrap_or(text)), |rest| (-1, rest));
            let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
            digits
                .parse()
                .ok()
                .filter(|number: &i64| *number < 1_000_000_000_000_000)
                .map_or(Number::Nan, |number| Number::Whole(sign * number))
        }
        _ => Number::Nan,
    }
}

/// A time and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timed {
    /// The time.
    pub duration: Duration,
    /// How it differs from what stands there.
    pub remark: Option<String>,
}

/// What a step without a `timeout` had.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// `timeout` of a step; the error is a message and a help.
pub fn timeout(value: &Value, unit: TimeoutUnit) -> Result<Timed, (String, String)> {
    let number = match parse_int(value) {
        Number::None => {
            let remark = format!(
                "a step without one had the old PULSE's default, {DEFAULT_TIMEOUT} unless its COMMAND_TIMEOUT_MS said otherwise"
            );
            return Ok(Timed { duration: DEFAULT_TIMEOUT, remark: Some(remark) });
        }
        Number::Nan => {
            return Err((
                format!("{value} is no number, so the old PULSE let the command run for ever"),
                "write a number".to_owned(),
            ));
        }
        Number::Whole(number) => number,
    };
    match unit {
        TimeoutUnit::Auto if (601..5000).contains(&number) => Err((
            format!("{number} could be seconds or milliseconds"),
            "say which with `--timeout-unit s` or `--timeout-unit ms`".to_owned(),
        )),
        TimeoutUnit::Ms => milliseconds(number),
        TimeoutUnit::Auto if number >= 5000 => milliseconds(number),
        TimeoutUnit::S | TimeoutUnit::Auto => Ok(seconds(number)),
    }
}

/// The newer PULSE's: seconds, at least 5 and at most 600.
fn seconds(number: i64) -> Timed {
    let kept = number.clamp(5, 600);
    let remark = (kept != number).then(|| format!("{number} is {kept}s, as in the old PULSE, which kept within 5 and 600"));
    Timed { duration: Duration::from_secs(kept.unsigned_abs()), remark }
}

/// The older PULSE's: milliseconds. Nothing here is shorter than a second.
fn milliseconds(number: i64) -> Result<Timed, (String, String)> {
    if number < 0 || number.unsigned_abs() > Duration::MAX.as_millis() {
        return Err((
            format!("{number} ms is no time that a command can take"),
            "write a number of milliseconds within a year".to_owned(),
        ));
    }
    let kept = number.max(1000);
    let remark = (kept != number).then(|| format!("{number} ms became 1s, the shortest there is"));
    Ok(Timed { duration: Duration::from_millis(kept.unsigned_abs()), remark })
}

/// `retries`: tries after the first one.
pub fn retries(value: &Value) -> Result<u32, (String, String)> {
    match parse_int(value) {
        Number::None => Ok(0),
        Number::Whole(number) => Ok(u32::try_from(number.clamp(0, 5)).unwrap_or(0)),
        Number::Nan => Err((
            format!("{value} is no number, so the old PULSE would have tried for ever"),
            "write a number from 0 to 5".to_owned(),
        )),
    }
}

/// `retryDelayMs`: the time between two tries.
pub fn retry_delay(value: &Value) -> Result<Duration, (String, String)> {
    match parse_int(value) {
        Number::None => Ok(Duration::from_millis(2000)),
        Number::Whole(number) => Ok(Duration::from_millis(number.clamp(0, 30_000).unsigned_abs())),
        Number::Nan => Err((format!("{value} is no number"), "write milliseconds from 0 to 30000".to_owned())),
    }
}

/// `duration` of a `wait`, in milliseconds.
pub fn wait(value: &Value) -> Result<Duration, (String, String)> {
    let help = || "write a number of milliseconds within a year".to_owned();
    match parse_int(value) {
        Number::Whole(number) if number >= 0 && number.unsigned_abs() <= Duration::MAX.as_millis() => {
            Ok(Duration::from_millis(number.unsigned_abs()))
        }
        Number::None if matches!(value, Value::Number(_)) => Ok(Duration::default()),
        Number::None => Err(("nothing says how long it waits".to_owned(), help())),
        _ => Err((format!("{value} is no time in milliseconds"), help())),
    }
}

#[cfg(test)]
mod tests {
    use super::{TimeoutUnit, retries, retry_delay, timeout, wait};
    use serde_json::{Value, json};

    /// Computed with the old PULSE's code (the legacy contract's vectors).
    #[test]
    fn timeouts_in_seconds_are_clamped_as_they_were() {
        let millis = |value: Value| timeout(&value, TimeoutUnit::S).map(|timed| timed.duration.as_millis());
        for (value, expected) in [
            (json!(1), 5000),
            (json!(5), 5000),
            (json!(30), 30_000),
            (json!(300), 300_000),
            (json!(600), 600_000),
            (json!(601), 600_000),
            (json!(5000), 600_000),
            (json!(300_000), 600_000),
            (json!(-5), 5000),
            (json!("45s"), 45_000),
            (json!(2.9), 5000),
            // The default's value is not known; the worker's own is taken.
            (json!(0), 300_000),
            (json!(null), 300_000),
            (json!(""), 300_000),
        ] {
            assert_eq!(millis(value.clone()), Ok(expected), "{value}");
        }
        assert!(millis(json!("abc")).is_err_and(|(message, _)| message.contains("for ever")));
    }

    #[test]
    fn the_unit_is_told_by_size_or_asked_for() {
        let auto = |number: i64| timeout(&json!(number), TimeoutUnit::Auto).map(|timed| timed.duration.to_string());
        assert_eq!(["5s", "10m", "5s", "5m", "10m"].map(str::to_owned).map(Ok), [1, 600, 5000, 300_000, 600_000].map(auto));
        for between in [601, 4999] {
            assert!(auto(between).is_err_and(|(_, help)| help.contains("--timeout-unit s")), "{between}");
        }
        let ms = |number: i64| timeout(&json!(number), TimeoutUnit::Ms).map(|timed| timed.duration.to_string());
        assert_eq!([ms(601), ms(1500), ms(3_600_000)], ["1s", "1500ms", "1h"].map(|text| Ok(text.to_owned())));
        assert!(ms(-1).is_err() && ms(i64::MAX).is_err());
        assert!(timeout(&json!(601), TimeoutUnit::Ms).is_ok_and(|timed| timed.remark.is_some()));
    }

    #[test]
    fn retries_and_their_delay_are_clamped_as_they_were() {
        for (value, expected) in [(json!(9), 5), (json!(2.7), 2), (json!(-1), 0), (json!(null), 0), (json!("3"), 3)] {
            assert_eq!(retries(&value), Ok(expected), "{value}");
        }
        assert!(retries(&json!("x")).is_err_and(|(message, _)| message.contains("for ever")));
        let delay = |value: Value| retry_delay(&value).map(|delay| delay.as_millis());
        assert_eq!(
            [delay(json!(0)), delay(json!(99_999)), delay(json!(-5)), delay(json!(null))],
            [Ok(2000), Ok(30_000), Ok(0), Ok(2000)]
        );
        assert!(delay(json!("x")).is_err());
    }

    #[test]
    fn a_wait_says_how_long() {
        assert_eq!(wait(&json!(5000)).map(|time| time.to_string()), Ok("5s".to_owned()));
        assert_eq!(wait(&json!(0)).map(|time| time.as_millis()), Ok(0));
        for wrong in [json!(null), json!("soon"), json!(-1), json!({}), json!(1e18)] {
            assert!(wait(&wrong).is_err(), "{wrong}");
        }
    }
}
