//! The document: a paragraph for each route, made of its handler's types and its row in the table of operations.

use super::super::codes::{self, CODES};
use super::super::{Route, precondition};
use super::Sketch;
use super::operations::{Operation, TAGS, find};
use super::schemas::Schemas;
use axum::http::Method;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Refusals that any route may answer with.
const ANYWHERE: [&str; 4] = ["bad_identity_header", "internal", "standing_by", "too_many_requests"];
/// And any that works with the database.
const DATABASE: [&str; 2] = ["database_unavailable", "stopping"];

/// And any that asks who calls.
const STRANGERS: [&str; 5] = ["unauthorized", "forbidden", "csrf", "foreign_origin", "name_taken"];

/// OpenAPI 3.1 of these routes.
pub(in crate::api) fn document(routes: &[Route]) -> Value {
    let mut schemas = Schemas::default();
    let objects = routes.iter().filter(|(method, .., endpoint)| *method == Method::GET && endpoint.is_object());
    let objects: BTreeSet<&str> = objects.map(|(_, path, ..)| *path).collect();
    let mut paths: Map<String, Value> = Map::new();
    for (method, path, rule, _, endpoint) in routes {
        let Some(operation) = find(method.as_str(), path) else { continue };
        let mut sketch = Sketch::new(&mut schemas);
        (endpoint.sketch)(&mut sketch);
        if precondition::object(method, path).is_some_and(|object| objects.contains(object)) {
            sketch.takes_header("If-Match", "The `ETag` of the object; 412 where it is in another state by now.");
            sketch.codes.insert("precondition_failed");
        }
        if !method.is_safe() {
            sketch.codes.insert("bad_header");
        }
        let said = paragraph(sketch, operation, rule.is_open());
        paths.entry((*path).to_owned()).or_insert_with(|| json!({}))[method.as_str().to_ascii_lowercase()] = said;
    }
    let mut named = schemas.into_named();
    named.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "PULSE",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Runs operations on fleets of servers. The conventions that hold for every request are in docs/api.md.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "This controller." }],
        "security": [{ "bearer": [] }, { "session": [] }],
        "tags": TAGS.iter().map(|(name, description)| json!({ "name": name, "description": description })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "A token." },
                "session": { "type": "apiKey", "in": "cookie", "name": "__Host-pulse", "description": "The session of a browser (without TLS the cookie is `pulse`); changes need the header `X-Pulse-Csrf` beside it." },
            },
            "schemas": named,
        },
    })
}

/// One operation.
fn paragraph(sketch: Sketch<'_>, operation: &Operation, public: bool) -> Value {
    let Sketch { parameters, body, mut answers, codes, .. } = sketch;
    let mut all: BTreeSet<&str> = codes.into_iter().chain(operation.codes.iter().copied()).chain(ANYWHERE).collect();
    if !public {
        all.extend(DATABASE);
        all.extend(STRANGERS);
    }
    refusals(&mut answers, &all, public);
    answers.sort_keys();
    let mut said = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
    });
    let parameters: Vec<Value> = in_path(operation.path).chain(parameters).collect();
    if !parameters.is_empty() {
        said["parameters"] = json!(parameters);
    }
    if let Some(body) = body {
        said["requestBody"] = body;
    }
    if public {
        said["security"] = json!([]);
    }
    said["responses"] = json!(answers);
    said
}

/// What a variable part of a path can be; see [`super::super::path`].
const PART: &str = r"^(?!\.{1,2}$)[^/\\;\x00-\x1f\x7f]+$";

/// The variable parts of a path.
fn in_path(path: &str) -> impl Iterator<Item = Value> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(move |name| {
        let description = match (name, path.contains("/executions/")) {
            ("id", true) => "The execution's id, or `workflow#number` (in a URL `workflow%23812`).",
            ("id", false) => "The id.",
            _ => "The name.",
        };
        json!({ "name": name, "in": "path", "required": true, "description": description, "schema": { "type": "string", "pattern": PART } })
    })
}

/// Refusals by status, with their codes. A probe answers 503 in its own form as well.
fn refusals(answers: &mut Map<String, Value>, codes: &BTreeSet<&str>, public: bool) {
    let mut by_status: BTreeMap<u16, Vec<&codes::Code>> = BTreeMap::new();
    for code in codes.iter().filter_map(|code| codes::find(code)) {
        for status in code.statuses {
            by_status.entry(*status).or_default().push(code);
        }
    }
    for (status, codes) in by_status {
        let words: Vec<&str> = codes.iter().map(|code| code.code).collect();
        let of = json!({ "properties": { "code": { "enum": words } } });
        let schema = json!({ "allOf": [{ "$ref": "#/components/schemas/Problem" }, of] });
        let answer = &mut answers.entry(status.to_string()).or_insert_with(|| json!({}));
        answer["description"] = json!(format!("`{}`", words.join("`, `")));
        answer["content"]["application/problem+json"] = json!({ "schema": schema });
        let headers = match status {
            401 if !public => &[("WWW-Authenticate", "How to say who is asking.")][..],
            429 => &[
                ("Retry-After", "Seconds until the next request is allowed."),
                ("RateLimit", "What is left."),
                ("RateLimit-Policy", "What is allowed."),
            ][..],
            503 => &[("Retry-After", "Seconds until it is worth asking again.")][..],
            _ => &[][..],
        };
        for (name, description) in headers {
            answer["headers"][name] = json!({ "description": description, "schema": { "type": "string" } });
        }
    }
}

/// A refusal (RFC 9457).
fn problem() -> Value {
    let words: Vec<&str> = CODES.iter().map(|code| code.code).collect();
    let text = |description: &str| json!({ "type": "string", "description": description });
    let number = |description: &str| json!({ "type": "integer", "description": description });
    json!({
        "type": "object",
        "description": "A refusal (RFC 9457). Some codes have fields of their own beside these; docs/problems.md lists all codes.",
        "properties": {
            "type": text("Always `about:blank`; `code` tells refusals apart."),
            "title": text("The status in words."),
            "status": number("The status."),
            "code": { "type": "string", "enum": words, "description": "Stable, for scripts." },
            "detail": text("What is wrong, for people."),
            "help": text("The mend, where there is one."),
            "errors": {
                "type": "array",
                "description": "Each single mistake.",
                "items": {
                    "type": "object",
                    "properties": {
                        "message": text("What is wrong."),
                        "name": text("The parameter or field."),
                        "pointer": text("Where it stands in the body or manifest (RFC 6901)."),
                        "file": text("The manifest's file."),
                        "line": number("The line, from 1."),
                        "column": number("The column, from 1."),
                        "code": text("The code of a manifest's problem."),
                        "help": text("The mend."),
                    },
                    "required": ["message"],
                },
            },
        },
        "required": ["type", "title", "status", "code", "detail"],
    })
}

#[cfg(test)]
mod tests {
    use super::super::operations::OPERATIONS;
    use super::{Sketch, codes, document};
    use crate::api::openapi::schemas::Schemas;
    use crate::api::routes;
    use std::collections::BTreeSet;

    #[test]
    fn each_route_has_one_operation_and_each_operation_a_route() {
        let routes: Vec<(String, &str)> = routes().iter().map(|(method, path, ..)| (method.to_string(), *path)).collect();
        let operations: Vec<(String, &str)> = OPERATIONS.iter().map(|one| (one.method.to_owned(), one.path)).collect();
        let (mut have, mut told) = (routes.clone(), operations.clone());
        have.sort();
        told.sort();
        assert_eq!(have, told);
        let ids: BTreeSet<&str> = OPERATIONS.iter().map(|one| one.id).collect();
        assert_eq!(ids.len(), OPERATIONS.len(), "an operation's id is its own");
        let codes = OPERATIONS.iter().flat_map(|one| one.codes);
        assert_eq!(codes.filter(|code| codes::find(code).is_none()).count(), 0, "a code that is in no table");
    }

    #[test]
    fn a_name_means_the_same_in_requests_and_in_answers() {
        let mut schemas = Schemas::default();
        for (.., endpoint) in routes() {
            (endpoint.sketch)(&mut Sketch::new(&mut schemas));
        }
        assert_eq!(schemas.clashes(), Vec::<String>::new());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document(&routes());
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
