//! The document, held against every request that a test makes and every answer that it gets. So neither can say what the other does
//! not: an answer without its schema, a status or a code that is not told, a parameter that nobody takes.

use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub method: &'a str,
    /// With its query.
    pub path: &'a str,
    pub body: &'a [u8],
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(pulse_controller::api::openapi);
/// Schemas that were compiled, by their place.
static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Panics where the document does not say that this request is answered so.
#[track_caller]
pub fn check(call: &Call<'_>, status: u16, content: &str, answer: &[u8]) {
    if let Err(wrong) = judge(call, status, content, answer) {
        panic!("{wrong}");
    }
}

/// The id of the operation, or what the document does not say. A request that succeeds must be one that it describes.
pub fn judge(call: &Call<'_>, status: u16, content: &str, answer: &[u8]) -> Result<Option<&'static str>, String> {
    let (path, query) = call.path.split_once('?').unwrap_or((call.path, ""));
    let method = if call.method == "HEAD" { "get" } else { &call.method.to_ascii_lowercase() };
    let Some((place, paragraph)) = operation(path, method) else {
        // The dashboard's page and files are no API.
        let is_dashboard = path.starts_with("/assets/") || (!path.starts_with("/api") && [200, 304].contains(&status));
        if method == "get" && is_dashboard {
            return Ok(None);
        }
        // No route, or not by this method: then it is told so.
        if ![400, 401, 404, 405, 429, 503].contains(&status) {
            return Err(format!("{call:?} is answered with {status} and is in no document"));
        }
        if call.method == "HEAD" {
            return Ok(None);
        }
        return matches(call, "Problem", &json!({ "$ref": "#/components/schemas/Problem" }), answer).map(|()| None);
    };
    let told = &paragraph["responses"][status.to_string()];
    if !told.is_object() {
        let shown = String::from_utf8_lossy(answer);
        return Err(format!("the document does not say that {place} answers {status}: {shown}"));
    }
    if (200..300).contains(&status) {
        asked_as_told(call, &place, paragraph, query)?;
    }
    if !answer.is_empty() && call.method != "HEAD" {
        answered_as_told(call, &format!("{place} {status}"), told, content, answer)?;
    }
    Ok(paragraph["operationId"].as_str())
}

/// The paragraph of an operation, and where it stands.
fn operation(path: &str, method: &str) -> Option<(String, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object()?;
    let fits = |template: &&String| {
        let (wanted, parts): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        let part = |(wanted, part): (&&str, &&str)| wanted == part || wanted.starts_with('{') && !part.is_empty();
        wanted.len() == parts.len() && wanted.iter().zip(&parts).all(part)
    };
    // A path without a variable part goes before one with.
    let template = paths.keys().filter(fits).min_by_key(|template| template.matches('{').count())?;
    Some((format!("{method} {template}"), paths[template].get(method)?))
}

fn answered_as_told(call: &Call<'_>, place: &str, told: &Value, content: &str, answer: &[u8]) -> Result<(), String> {
    let content = content.split(';').next().unwrap_or_default();
    let schema = &told["content"][content]["schema"];
    if !schema.is_object() {
        return Err(format!("the document does not say that {place} comes as {content:?}"));
    }
    if content.ends_with("json") { matches(call, &format!("{place} {content}"), schema, answer) } else { Ok(()) }
}

fn asked_as_told(call: &Call<'_>, place: &str, paragraph: &Value, query: &str) -> Result<(), String> {
    let told = |name: &str| {
        let mut all = paragraph["parameters"].as_array().into_iter().flatten();
        all.any(|parameter| parameter["in"] == "query" && parameter["name"] == name)
    };
    let mut names = query.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| pair.split('=').next());
    if let Some(name) = names.find(|name| !told(name)) {
        return Err(format!("the document does not say that {place} takes `{name}`, but it does"));
    }
    // A schema without a word takes anything, whatever it is.
    let schema = paragraph["requestBody"]["content"]["application/json"].get("schema").filter(|schema| **schema != json!({}));
    match schema {
        Some(schema) if !call.body.is_empty() => matches(call, &format!("{place} body"), schema, call.body),
        _ => Ok(()),
    }
}

fn matches(call: &Call<'_>, place: &str, schema: &Value, body: &[u8]) -> Result<(), String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("{call:?}: {error}"))?;
    let validator = compiled(place, schema);
    let errors: Vec<_> = validator.iter_errors(&value).map(|error| format!("{error} at {}", error.instance_path())).collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(format!("{place}: what came is not what the document says: {errors:#?}\n{value:#}"))
}

fn compiled(place: &str, schema: &Value) -> Arc<Validator> {
    let mut compiled = COMPILED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let make = || {
        let mut whole = schema.clone();
        whole["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        whole["components"] = DOCUMENT["components"].clone();
        Arc::new(jsonschema::options().should_validate_formats(true).build(&whole).expect("a schema"))
    };
    Arc::clone(compiled.entry(place.to_owned()).or_insert_with(make))
}
