//! What a file of the old PULSE holds: one definition, one row of its tables, or a list of rows.

use super::Options;
use super::note::Place;
use super::params::text;
use serde_json::{Map, Value};
use std::fmt;

/// Most definitions of one file.
const MAX_DEFINITIONS: usize = 10_000;

/// One workflow or one scheduled command.
#[derive(Debug, Clone)]
pub struct Definition {
    /// It is a workflow; else a scheduled command.
    pub is_workflow: bool,
    /// Its old name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// What it says of itself.
    pub description: Option<String>,
    /// A workflow's `{steps, params}`; a scheduled command's row.
    pub body: Map<String, Value>,
    /// Fields of the row that nothing is made of.
    pub unknown: Vec<String>,
}

/// Why a file cannot be imported at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to do.
    pub help: &'static str,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

const FORMS: &str = "give a definition `{\"steps\": [...]}`, a workflow `{\"name\", \"description\", \"definition\"}`, a scheduled command `{\"name\", \
    \"command\", \"schedule_type\", \"schedule_value\"}`, or a list of them as `GET /api/workflows` of the old PULSE answers";

fn error(message: impl Into<String>, help: &'static str) -> InputError {
    InputError { message: message.into(), help }
}

/// Every definition of a text.
pub fn read(text: &str, options: Options<'_>) -> Result<Vec<Definition>, InputError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The error says the place and never the text, which may hold secrets.
    let value: Value = serde_json::from_str(text).map_err(|found| {
        let what = if found.is_eof() { "it ends too early" } else { "it is no JSON" };
        error(
            format!("{what}: line {}, column {}", found.line(), found.column()),
            "give the definition as the old PULSE stored it",
        )
    })?;
    let items = match value {
        Value::Array(items) if items.is_empty() => return Err(error("the list is empty", FORMS)),
        Value::Array(items) if items.len() > MAX_DEFINITIONS => {
            return Err(error(format!("the list has {} entries; at most {MAX_DEFINITIONS}", items.len()), "split it"));
        }
        Value::Array(items) => items,
        single => vec![single],
    };
    if options.name.is_some() && items.len() > 1 {
        return Err(error(
            format!("--name is for one definition, and here are {}", items.len()),
            "leave --name out, or import them one by one",
        ));
    }
    let several = items.len() > 1;
    items.into_iter().enumerate().map(|(index, item)| definition(item, index, several, options)).collect()
}

fn definition(item: Value, index: usize, several: bool, options: Options<'_>) -> Result<Definition, InputError> {
    let entry = if several { format!("entry {}: ", index + 1) } else { String::new() };
    let Value::Object(mut row) = item else { return Err(error(format!("{entry}this is no definition"), FORMS)) };
    let is_workflow = row.contains_key("steps") || row.contains_key("definition");
    let is_schedule = row.contains_key("command") && row.contains_key("schedule_type");
    if !is_workflow && !is_schedule {
        return Err(error(
            format!("{entry}this is no definition: it has neither `steps` nor `definition`, nor `command` with `schedule_type`"),
            FORMS,
        ));
    }
    let own = row.remove("name").as_ref().and_then(text).filter(|name| !name.trim().is_empty());
    let numbered = if several { format!("{}-{}", options.otherwise, index + 1) } else { options.otherwise.to_owned() };
    let name = options.name.map(str::to_owned).or(own).unwrap_or(numbered);
    let place = Place::of(format!("{} {name:?}", if is_workflow { "workflow" } else { "scheduled command" }));
    let description = row.remove("description").as_ref().and_then(text).filter(|text| !text.trim().is_empty());
    if !is_workflow {
        return Ok(Definition { is_workflow, name, place, description, body: row, unknown: Vec::new() });
    }
    let body = match row.remove("definition") {
        None => {
            let kept = ["steps", "params"].into_iter().filter_map(|key| Some((key.to_owned(), row.remove(key)?)));
            kept.collect()
        }
        Some(Value::Object(body)) => body,
        Some(Value::String(text)) => match serde_json::from_str(&text) {
            Ok(Value::Object(body)) => body,
            Ok(_) => return Err(error(format!("{entry}`definition` is no object"), FORMS)),
            Err(found) => {
                let message =
                    format!("{entry}`definition` is no JSON: line {}, column {} of that text", found.line(), found.column());
                return Err(error(message, "give the definition as the old PULSE stored it"));
            }
        },
        Some(_) => return Err(error(format!("{entry}`definition` is no object"), FORMS)),
    };
    let unknown = left(&row, &["id", "created_by", "created_at", "updated_at"]);
    let inner = left(&body, &["steps", "params", "name", "description"]);
    let description = description.or_else(|| body.get("description").and_then(text).filter(|text| !text.trim().is_empty()));
    Ok(Definition { is_workflow, name, place, description, body, unknown: [unknown, inner].concat() })
}

/// Fields that say something and that nothing is made of.
pub fn left(fields: &Map<String, Value>, known: &[&str]) -> Vec<String> {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    fields
        .iter()
        .filter(|(name, value)| !known.contains(&name.as_str()) && !empty(value))
        .map(|(name, _)| format!("`{name}`"))
        .collect()
}
