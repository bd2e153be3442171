//! What handlers take, for the document.

use super::super::body::Json as Body;
use super::super::caller::Caller;
use super::super::extract::{Parameters, Segment};
use super::super::idempotency::Key;
use super::{Input, Sketch};
use crate::audit::Ticket;
use axum::extract::Request;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde_json::{Value, json};

impl Input for super::State {
    fn sketch(_: &mut Sketch<'_>) {}
}

impl Input for Caller {
    fn sketch(_: &mut Sketch<'_>) {}
}

/// What is said to the audit log is no part of the request.
impl Input for Ticket {
    fn sketch(_: &mut Sketch<'_>) {}
}

/// Handlers that take a head look at what is no parameter, such as cookies.
impl Input for Parts {
    fn sketch(_: &mut Sketch<'_>) {}
}

impl Input for Key {
    fn sketch(sketch: &mut Sketch<'_>) {
        let said = "Makes a repeated request the same execution; with another body it is refused. 1 to 200 characters of ASCII.";
        let schema = json!({ "type": "string", "pattern": "^[\\x21-\\x7e]([\\t\\x20-\\x7e]*[\\x21-\\x7e])?$", "maxLength": 200 });
        sketch.takes_header_of("Idempotency-Key", said, &schema);
        sketch.codes.extend(["bad_header", "idempotency_mismatch"]);
    }
}

impl Input for HeaderMap {
    fn sketch(_: &mut Sketch<'_>) {}
}

/// A body that the handler reads by itself.
impl Input for Request {
    fn sketch(_: &mut Sketch<'_>) {}
}

impl Input for Segment {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.codes.insert("bad_path");
    }
}

impl<T: JsonSchema> Input for Parameters<T> {
    fn sketch(sketch: &mut Sketch<'_>) {
        let query = sketch.schemas.query::<T>();
        let required: Vec<&str> = query["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, schema) in query["properties"].as_object().into_iter().flatten() {
            let mut schema = schema.clone();
            let description = schema.as_object_mut().and_then(|schema| schema.shift_remove("description"));
            without_null(&mut schema);
            let is_required = required.contains(&name.as_str());
            sketch.parameters.push(json!({
                "name": name, "in": "query", "description": description, "required": is_required, "schema": schema,
            }));
        }
        sketch.codes.insert("bad_parameter");
    }
}

/// A parameter that may be left out is left out; it is never `null`.
fn without_null(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    fields.shift_remove("default");
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|one| one != "null");
        if let [only] = types.as_slice() {
            fields["type"] = only.clone();
        }
    }
    if let Some(Value::Array(forms)) = fields.get_mut("anyOf") {
        forms.retain(|form| form["type"] != "null");
        if let [only] = forms.as_slice() {
            *schema = only.clone();
        }
    }
}

impl<T: JsonSchema, const MAX: usize> Input for Body<T, MAX> {
    fn sketch(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas.request::<T>();
        // An empty body counts as `{}`.
        let whole = sketch.schemas.query::<T>();
        let required = whole["required"].as_array().is_some_and(|required| !required.is_empty());
        let content = json!({ "application/json": { "schema": schema } });
        sketch.body = Some(json!({ "required": required, "content": content }));
        sketch.codes.extend(["bad_body", "unreadable_body", "not_json", "body_too_large"]);
    }
}

impl Input for Result<WebSocketUpgrade, WebSocketUpgradeRejection> {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answers.insert("101".to_owned(), json!({ "description": "A WebSocket." }));
        sketch.codes.insert("websocket_required");
    }
}
