//! What handlers answer, for the document.

use super::super::answers::{AcceptedWebhook, LiveMessage, OutputPage, Page, StartedView, SyncPage};
use super::super::executions::StartAnswer;
use super::super::output::{CUT, Output as CommandOutput};
use super::super::reply::{
    AgentSession, AuditLines, CookieSet, Created, Delivered, Document, Exposition, HtmlPage, Live, Maybe, NoContent, NotPost,
    Object, PemFile, Private, Probed, Program, Redirected, Replayable, SchemaFile, ShellScript, StyleSheet, Sum,
};
use super::{Output, Sketch};
use crate::engine::DryRun;
use axum::response::Json;
use schemars::JsonSchema;
use serde_json::json;

impl Output for &'static str {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answer_as(200, "A word for people.", "text/plain", &json!({ "type": "string" }));
    }
}

impl<T: JsonSchema> Output for Json<T> {
    fn sketch(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas.answer::<T>();
        sketch.answer(200, "Done.", &schema);
    }
}

impl<T: JsonSchema> Output for Private<T> {
    fn sketch(sketch: &mut Sketch<'_>) {
        Json::<T>::sketch(sketch);
    }
}

impl<T: JsonSchema> Output for Object<T> {
    fn sketch(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas.answer::<T>();
        sketch.answer(200, "The object.", &schema);
        sketch.header(200, "ETag", "Names this state of the object.");
        sketch.answers.insert("304".to_owned(), json!({ "description": "It is in the state that `If-None-Match` names." }));
        sketch.takes_header("If-None-Match", "The `ETag` of an answer before; 304 while the object is in the same state.");
    }
}

impl<T: JsonSchema> Output for Page<T> {
    fn sketch(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas.answer::<Self>();
        listed(sketch, &schema);
    }
}

impl Output for SyncPage {
    fn sketch(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas.answer::<Self>();
        listed(sketch, &schema);
    }
}

fn listed(sketch: &mut Sketch<'_>, schema: &serde_json::Value) {
    sketch.answer(200, "A page of the list.", schema);
    sketch.header(200, "Link", "`<…>; rel=\"next\"`: the page after this one, where there is one.");
}

impl<T: JsonSchema> Output for Created<T> {
    fn sketch(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas.answer::<T>();
        sketch.answer(201, "It was made.", &schema);
    }
}

impl<T: JsonSchema> Output for Maybe<T> {
    fn sketch(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas.answer::<T>();
        sketch.answer(201, "It was made.", &schema);
        sketch.answer(200, "It was there already.", &schema);
    }
}

impl<T: JsonSchema> Output for Replayable<T> {
    fn sketch(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas.answer::<T>();
        sketch.answer(201, "It was made; it is durable.", &schema);
        sketch.header(201, "Location", "Where it is found.");
        sketch.header(201, "Idempotent-Replayed", "`true` where the answer is that of an earlier request with the same key.");
    }
}

impl Output for StartAnswer {
    fn sketch(sketch: &mut Sketch<'_>) {
        Replayable::<StartedView>::sketch(sketch);
        let dry = sketch.schemas.answer::<DryRun>();
        sketch.answer(200, "What it would do; nothing is written.", &dry);
    }
}

impl Output for CommandOutput {
    fn sketch(sketch: &mut Sketch<'_>) {
        OutputPage::sketch(sketch);
        let bytes = json!({ "type": "string", "format": "binary" });
        sketch.answer_as(200, "Output, as text or with `raw=true` as bytes.", "application/octet-stream", &bytes);
        sketch.header(200, CUT.as_str(), "With `raw=true`: bytes that are not kept.");
    }
}

impl Output for NoContent {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answers.insert("204".to_owned(), json!({ "description": "Done." }));
    }
}

impl<T: JsonSchema> Output for Probed<T> {
    fn sketch(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas.answer::<T>();
        sketch.answer(200, "All is well.", &schema);
        sketch.answer(503, "It cannot serve.", &schema);
    }
}

impl Output for SchemaFile {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answer_as(200, "The schema.", "application/schema+json", &json!({ "type": "object" }));
    }
}

impl Output for Document {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answer(200, "This document.", &json!({ "type": "object" }));
    }
}

impl Output for Exposition {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answer_as(200, "As Prometheus reads it.", "application/openmetrics-text", &json!({ "type": "string" }));
    }
}

impl Output for HtmlPage {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answer_as(200, "The page.", "text/html", &json!({ "type": "string" }));
    }
}

impl Output for StyleSheet {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answer_as(200, "The style sheet.", "text/css", &json!({ "type": "string" }));
    }
}

impl Output for Delivered {
    fn sketch(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas.answer::<AcceptedWebhook>();
        sketch.answer(202, "It was let in.", &schema);
        sketch.takes_header("X-Gitea-Signature", "HMAC-SHA256 of the body, in hex.");
        let any = json!({ "application/json": { "schema": {} } });
        sketch.body = Some(json!({ "required": true, "content": any }));
    }
}

impl Output for CookieSet {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answers.insert("204".to_owned(), json!({ "description": "Done." }));
        sketch.header(204, "Set-Cookie", "The session, or its end.");
    }
}

impl Output for PemFile {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answer_as(200, "The certificate.", "application/x-pem-file", &json!({ "type": "string" }));
    }
}

impl Output for ShellScript {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answer_as(200, "The script.", "text/x-shellscript", &json!({ "type": "string" }));
    }
}

impl Output for Sum {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answer_as(200, "The SHA-256, as `sha256sum` writes it.", "text/plain", &json!({ "type": "string" }));
    }
}

impl Output for Program {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answer_as(200, "The file.", "application/octet-stream", &json!({}));
        sketch.answer_as(200, "The file, or its SHA-256.", "text/plain", &json!({ "type": "string" }));
    }
}

impl Output for Redirected {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answers.insert("303".to_owned(), json!({ "description": "Go there." }));
        sketch.header(303, "Location", "Where.");
        sketch.header(303, "Set-Cookie", "What the browser keeps meanwhile, or the session.");
    }
}

impl Output for AuditLines {
    fn sketch(sketch: &mut Sketch<'_>) {
        sketch.answer_as(200, "A row on each line, as JSON.", "application/jsonl", &json!({ "type": "string" }));
    }
}

impl Output for NotPost {
    fn sketch(_: &mut Sketch<'_>) {}
}

impl Output for AgentSession {
    fn sketch(_: &mut Sketch<'_>) {}
}

impl Output for Live {
    /// The messages are described where the document has room for them.
    fn sketch(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas.answer::<LiveMessage>();
        sketch.answers["101"]["description"] = json!("A WebSocket whose every message is one `LiveMessage` as JSON text.");
        sketch.answers["101"]["x-message"] = schema;
    }
}
