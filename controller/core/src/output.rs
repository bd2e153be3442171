//! What a `parse` step reads out of a command's stdout.

use crate::pattern::Pattern;
use crate::values::{StateMap, StateValue};
use crd_schemas::manifest::ParseFormat;
use serde_json::Value;

/// Values that one text may give.
const MAX_VALUES: usize = 1000;

/// What one `parse` step may keep in all, names included, bytes: it stands in one event.
pub const MAX_TOTAL_BYTES: usize = 256 * 1024;

/// Bytes of values and their names.
pub fn size(values: &StateMap) -> usize {
    let value = |value: &StateValue| match value {
        StateValue::Text(text) => text.len(),
        StateValue::Map(inner) => size(inner),
    };
    values.iter().map(|(name, of)| name.len() + value(of)).sum()
}

/// The values in a text; the error is a sentence.
pub fn read(format: ParseFormat, pattern: Option<&Pattern>, text: &str) -> Result<StateMap, String> {
    let values = match format {
        ParseFormat::Keyvalue => keyvalue(text),
        ParseFormat::Json => json(text)?,
        ParseFormat::Regex => {
            let pattern = pattern.ok_or("`format: regex` has no `pattern`")?;
            let named = pattern.named(text).ok_or("the pattern matches nowhere in stdout")?;
            named.into_iter().map(|(name, value)| (name.to_owned(), StateValue::Text(value.to_owned()))).collect()
        }
    };
    if values.len() > MAX_VALUES {
        return Err(format!("stdout holds {} values; at most {MAX_VALUES} are kept", values.len()));
    }
    Ok(values)
}

/// The old PULSE's rule, `/^([A-Z][A-Z0-9_]*)=(.*)$/` for each line: no other form is a key, and a line that ends in a carriage
/// return or holds another line separator matches nothing.
fn keyvalue(text: &str) -> StateMap {
    let line = |line: &str| {
        let (key, value) = line.split_once('=')?;
        let fits = key.starts_with(|c: char| c.is_ascii_uppercase())
            && key.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            && !value.contains(['\r', '\u{2028}', '\u{2029}']);
        let white = |c: char| c.is_whitespace() || c == '\u{feff}';
        fits.then(|| (key.to_ascii_lowercase(), StateValue::Text(value.trim_matches(white).to_owned())))
    };
    text.split('\n').filter_map(line).collect()
}

/// An object's entries: texts as they are, numbers, booleans, null and lists as JSON, objects as maps.
fn json(text: &str) -> Result<StateMap, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(entries)) => Ok(entries.into_iter().map(|(name, value)| (name, state_value(value))).collect()),
        Ok(_) => Err("stdout is JSON, but no object".to_owned()),
        Err(error) => Err(format!("stdout is no JSON: {error}")),
    }
}

fn state_value(value: Value) -> StateValue {
    match value {
        Value::String(text) => StateValue::Text(text),
        Value::Object(entries) => StateValue::Map(entries.into_iter().map(|(name, value)| (name, state_value(value))).collect()),
        other => StateValue::Text(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let entry = |(name, value)| match value {
            StateValue::Text(text) => (name, text),
            StateValue::Map(map) => (name, format!("{map:?}")),
        };
        read(ParseFormat::Keyvalue, None, text).expect("it reads").into_iter().map(entry).collect()
    }

    /// Computed with the old PULSE's code (the legacy contract's vectors).
    #[test]
    fn key_value_lines_are_read_as_the_old_pulse_did() {
        let one = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
        assert_eq!(pairs("A=1"), one("a", "1"));
        for nothing in ["a=1", " A=1", "_A=1", "1A=1", "A =1", "A-B=1", "Ab=1", "export A=1", "A=1\r", ""] {
            assert_eq!(pairs(nothing), vec![], "{nothing:?}");
        }
        assert_eq!(pairs("A= 1 "), one("a", "1"));
        assert_eq!(pairs("A="), one("a", ""));
        assert_eq!(pairs("A=x=y"), one("a", "x=y"));
        assert_eq!(pairs("A=\"q\""), one("a", "\"q\""));
        assert_eq!(pairs("A=1\nnoise\nA=2\nB_2=3"), vec![("a".into(), "2".into()), ("b_2".into(), "3".into())]);
        assert_eq!(pairs("CONSTRUCTOR=x"), one("constructor", "x"));
    }

    #[test]
    fn json_objects_become_texts_and_maps() {
        let found = read(ParseFormat::Json, None, r#"{"free": 12, "mount": {"path": "/"}, "ok": true, "ids": [1, 2]}"#);
        let text = format!("{:?}", found.expect("it reads"));
        assert_eq!(text, r#"{"free": Text("12"), "ids": Text("[1,2]"), "mount": Map({"path": Text("/")}), "ok": Text("true")}"#);
        assert_eq!(read(ParseFormat::Json, None, "[1]"), Err("stdout is JSON, but no object".into()));
        assert!(read(ParseFormat::Json, None, "{").is_err_and(|message| message.starts_with("stdout is no JSON")));
    }

    #[test]
    fn a_size_is_that_of_names_and_texts() {
        let found = read(ParseFormat::Json, None, r#"{"free": "éé", "mount": {"a": "/"}}"#).expect("it reads");
        assert_eq!(size(&found), 4 + 4 + 5 + 1 + 1);
    }

    #[test]
    fn a_pattern_gives_its_named_groups() {
        let pattern = Pattern::compile(r"(?<pct>\d+)%( of (?<size>\w+))?").expect("a pattern");
        let found = read(ParseFormat::Regex, Some(&pattern), "disk is at 85% now").expect("it reads");
        assert_eq!(found, StateMap::from([("pct".into(), StateValue::Text("85".into()))]));
        let nowhere = read(ParseFormat::Regex, Some(&pattern), "nothing");
        assert_eq!(nowhere, Err("the pattern matches nowhere in stdout".into()));
    }
}
