//! The value of one parameter: what was given becomes the text that commands and templates get, or an error that says what it
//! must be. A text that reads as the type is as good as the type, since the command line has only texts.

use super::params::checked;
use crate::pattern::Pattern;
use crd_schemas::Duration;
use crd_schemas::manifest::{Param, ParamType};
use pulse_protocol::AgentName;
use serde_json::{Number, Value};

/// Items of a list.
const MAX_ITEMS: usize = 1000;

/// What a parameter without a value and without a default is.
pub(super) fn implied(param: &Param) -> Option<Value> {
    match param.kind {
        ParamType::String => Some(Value::from("")),
        ParamType::Int | ParamType::Number => Some(Value::from(0)),
        ParamType::Bool => Some(Value::from(false)),
        ParamType::Enum => param.values.first().map(|value| Value::from(value.as_str())),
        ParamType::Duration => Some(Value::from("0s")),
        ParamType::List => Some(Value::Array(Vec::new())),
        ParamType::Agent => None,
    }
}

/// The text of a value of the parameter's type; the error is a sentence about `it`.
pub(super) fn value_text(param: &Param, value: &Value) -> Result<String, String> {
    match (param.kind, value) {
        (ParamType::String, Value::String(text)) => {
            length(param, text.chars().count(), "characters")?;
            matching(param, text)?;
            checked(text.clone())
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
        (kind, other) => Err(format!("it must be {}, not {}", wanted(kind), kind_of(other))),
    }
}

const fn wanted(kind: ParamType) -> &'static str {
    match kind {
        ParamType::String => "a text, such as \"5\"",
        ParamType::Int => "a whole number",
        ParamType::Number => "a number",
        ParamType::Bool => "true or false",
        ParamType::Enum => "one of its values, as text",
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
    bounds(param, found as f64, &found)?;
    Ok(found.to_string())
}

fn number(param: &Param, value: &Value) -> Result<String, String> {
    let found = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let found = found.filter(|number| number.is_finite()).ok_or_else(|| format!("it must be a number, not {}", shown(value)))?;
    bounds(param, found, &found)?;
    Ok(found.to_string())
}

fn bounds(param: &Param, value: f64, shown: &impl std::fmt::Display) -> Result<(), String> {
    let as_float = |bound: &Option<Number>| bound.as_ref().and_then(Number::as_f64);
    match (as_float(&param.min), as_float(&param.max)) {
        (Some(least), _) if value < least => Err(format!("it must be at least {least}, not {shown}")),
        (_, Some(most)) if value > most => Err(format!("it must be at most {most}, not {shown}")),
        _ => Ok(()),
    }
}

fn list(param: &Param, items: &[Value]) -> Result<String, String> {
    if items.len() > MAX_ITEMS {
        return Err(format!("it has {} items; at most {MAX_ITEMS}", items.len()));
    }
    length(param, items.len(), "items")?;
    for (place, item) in items.iter().enumerate() {
        let Value::String(text) = item else {
            return Err(format!("item {} must be a text, not {}", place + 1, kind_of(item)));
        };
        let checked = matching(param, text).and_then(|()| if param.values.is_empty() { Ok(()) } else { one_of(param, text) });
        checked.map_err(|error| format!("item {}: {error}", place + 1))?;
    }
    checked(Value::from(items).to_string())
}

fn length(param: &Param, found: usize, what: &str) -> Result<(), String> {
    match (param.min_length, param.max_length) {
        (Some(least), _) if found < least as usize => Err(format!("it must have at least {least} {what}, not {found}")),
        (_, Some(most)) if found > most as usize => Err(format!("it must have at most {most} {what}, not {found}")),
        _ => Ok(()),
    }
}

fn matching(param: &Param, text: &str) -> Result<(), String> {
    let Some(pattern) = &param.pattern else { return Ok(()) };
    let compiled = Pattern::compile_whole(pattern).map_err(|error| format!("its pattern is no regular expression: {error}"))?;
    if compiled.is_match(text) { Ok(()) } else { Err(format!("it must match `{pattern}`, which {} does not", quoted(text))) }
}

fn one_of(param: &Param, text: &str) -> Result<(), String> {
    if param.values.iter().any(|value| value == text) {
        return Ok(());
    }
    Err(format!("it can be {}, not {}", crate::values::listed(param.values.iter().map(String::as_str)), quoted(text)))
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
