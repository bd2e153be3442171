//! The value of one parameter: what was given becomes the text that commands and templates get, or an error that says what it
//! must be. A text that reads as the type is as good as the type, since the command line has only texts.

use super::params::checked;
use crate::pattern::Pattern;
use crate::values::MAX_VALUE_BYTES;
use crd_schemas::Duration;
use crd_schemas::manifest::{Param, ParamType};
use pulse_protocol::AgentName;
use serde_json::{Number, Value};

/// Items of a list.
const MAX_ITEMS: usize = 1000;

/// The text of a value of the parameter's type; the error is a sentence about `it`.
pub(super) fn value_text(param: &Param, value: &Value) -> Result<String, String> {
    match (param.kind, value) {
        (ParamType::String, Value::String(text)) => {
            // Its length first: what a pattern costs grows with the text.
            let text = checked(text.clone())?;
            within(param, value)?;
            matching(param, pattern(param)?.as_ref(), &text)?;
            Ok(text)
        }
        (ParamType::Int, value) => int(param, value),
        (ParamType::Number, value) => number(param, value),
        (ParamType::Bool, Value::Bool(truth)) => Ok(truth.to_string()),
        (ParamType::Bool, Value::String(text)) if text == "true" || text == "false" => Ok(text.clone()),
        (ParamType::Enum, Value::String(text)) => one_of(param, text).and_then(|()| checked(text.clone())),
        (ParamType::Duration, Value::String(text)) => {
            let parsed: Result<Duration, _> = text.parse();
            parsed.map(|duration| duration.to_string()).map_err(|error| error.to_string())
        }
        (ParamType::Agent, Value::String(text)) => {
            let name: Result<AgentName, _> = text.parse();
            name.map(|name| name.to_string()).map_err(|error| error.to_string())
        }
        (ParamType::List, Value::Array(items)) => list(param, items),
        (ParamType::List, Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Array(items)) => list(param, &items),
            _ => Err("it must be a list; as text it is written as JSON, such as [\"a\", \"b\"]".to_owned()),
        },
        (kind, other) => Err(format!("it must be {}, not {}", wanted(kind), shown(other))),
    }
}

const fn wanted(kind: ParamType) -> &'static str {
    match kind {
        ParamType::String => "a text, such as \"5\"",
        ParamType::Int => "a whole number",
        ParamType::Number => "a number",
        ParamType::Bool => "true or false",
        ParamType::Enum => "one of its values, a text",
        ParamType::Duration => "a duration with its unit, such as \"90s\"",
        ParamType::Agent => "the name of an agent",
        ParamType::List => "a list of texts",
    }
}

fn int(param: &Param, value: &Value) -> Result<String, String> {
    let found = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let found = found.ok_or_else(|| format!("it must be a whole number of 64 bits, not {}", shown(value)))?;
    within(param, &Value::from(found))?;
    Ok(found.to_string())
}

/// A whole number keeps all its digits, of which a floating one could lose some. However it is written (`5`, `5.0`, `5e0`, as text
/// or as JSON), it has one form.
fn number(param: &Param, value: &Value) -> Result<String, String> {
    let read = |text: &str| {
        let whole = text.parse::<i64>().ok().map(Number::from);
        whole.or_else(|| text.parse().ok().and_then(Number::from_f64))
    };
    let found = match value {
        Value::Number(number) => read(&number.to_string()),
        Value::String(text) => read(text),
        _ => None,
    };
    let found = found.ok_or_else(|| format!("it must be a number, not {}", shown(value)))?;
    within(param, &Value::Number(found.clone()))?;
    // Below 2^53 every whole floating number is exact. Adding zero takes the sign off a negative one.
    let whole = found.as_f64().filter(|float| found.is_f64() && float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0);
    Ok(whole.map_or_else(|| found.to_string(), |float| format!("{:.0}", float + 0.0)))
}

fn list(param: &Param, items: &[Value]) -> Result<String, String> {
    if items.len() > MAX_ITEMS {
        return Err(format!("it has {} items; at most {MAX_ITEMS}", items.len()));
    }
    let bytes: usize = items.iter().filter_map(Value::as_str).map(str::len).sum();
    if bytes > MAX_VALUE_BYTES {
        return Err(format!("its items are {bytes} bytes long together; at most 64 KiB"));
    }
    let pattern = pattern(param)?;
    for (place, item) in items.iter().enumerate() {
        let Value::String(text) = item else {
            return Err(format!("item {} must be a text, not {}", place + 1, kind_of(item)));
        };
        let checked = matching(param, pattern.as_ref(), text).and_then(|()| one_of(param, text));
        checked.map_err(|error| format!("item {}: {error}", place + 1))?;
    }
    let list = Value::from(items);
    within(param, &list)?;
    checked(list.to_string())
}

/// Its bounds: those of a number, or of a length.
fn within(param: &Param, value: &Value) -> Result<(), String> {
    param.outside(value).map_or(Ok(()), |outside| Err(format!("it {outside}")))
}

fn pattern(param: &Param) -> Result<Option<Pattern>, String> {
    let compiled = param.pattern.as_deref().map(Pattern::compile_whole).transpose();
    compiled.map_err(|error| format!("its pattern is no regular expression: {error}"))
}

fn matching(param: &Param, pattern: Option<&Pattern>, text: &str) -> Result<(), String> {
    match pattern.is_none_or(|pattern| pattern.is_match(text)) {
        true => Ok(()),
        false => {
            Err(format!("it must match `{}`, which {} does not", param.pattern.as_deref().unwrap_or_default(), quoted(text)))
        }
    }
}

/// Where no values are said, each is one of them.
fn one_of(param: &Param, text: &str) -> Result<(), String> {
    if (param.values.is_empty() && param.kind != ParamType::Enum) || param.values.iter().any(|value| value == text) {
        return Ok(());
    }
    Err(format!("it must be one of {}, not {}", crate::values::listed(param.values.iter().map(String::as_str)), quoted(text)))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Number(number) => number.to_string(),
        other => kind_of(other).to_owned(),
    }
}

fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    format!("{cut:?}")
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
