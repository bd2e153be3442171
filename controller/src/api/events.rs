//! The events of one execution, as they were recorded.

use super::caller::Caller;
use super::extract::{Parameters, Segment};
use super::list::{limit, page};
use super::time::{readable, rfc3339};
use super::{App, Problem, sight};
use axum::extract::State;
use axum::response::Json;
use pulse_core::access::Verb;
use pulse_core::execution::EventRecord;
use serde_json::{Value, json};

/// Where to go on. `cursor` is what a page before said.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    #[serde(alias = "cursor")]
    after: Option<u32>,
    limit: Option<u32>,
}

/// `GET /api/v1/executions/{id}/events`: oldest first.
pub(super) async fn list(
    State(app): State<App>,
    Segment(text): Segment,
    caller: Caller,
    Parameters(query): Parameters<EventsQuery>,
) -> Result<Json<Value>, Problem> {
    let limit = limit(query.limit)?;
    let id = sight::execution(&app, &caller, &text, Verb::View).await?;
    let mut events = app.engine.store().events_after(id, query.after.unwrap_or(0), limit + 1).await?;
    let more = events.len() > limit as usize;
    events.truncate(limit as usize);
    let next = events.last().filter(|_| more).map(|event| event.seq.to_string());
    Ok(Json(page(events.iter().map(view).collect(), next)))
}

fn view(record: &EventRecord) -> Value {
    let mut event = json!(record.event);
    readable(&mut event);
    let mut value = json!({ "seq": record.seq, "at": rfc3339(record.at) });
    if let (Value::Object(value), Value::Object(event)) = (&mut value, event) {
        value.extend(event);
    }
    value
}
