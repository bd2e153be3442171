//! The events of one execution, as they were recorded.

use super::answers::{ExecutionEvent, Page};
use super::caller::Caller;
use super::extract::{Parameters, Segment};
use super::list::{limit, page};
use super::time::Readable;
use super::{App, Problem, sight};
use axum::extract::State;
use pulse_core::access::Verb;
use pulse_core::execution::EventRecord;

/// Where to go on. `cursor` is what a page before said.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    /// The `seq` that the page begins after.
    after: Option<u32>,
    /// The `nextCursor` of the page before: the same, in the words of other lists.
    cursor: Option<u32>,
    /// Events of the page: 100 unless said, at most 500.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    limit: Option<u32>,
}

/// `GET /api/v1/executions/{id}/events`: oldest first.
pub(super) async fn list(
    State(app): State<App>,
    Segment(text): Segment,
    caller: Caller,
    Parameters(query): Parameters<EventsQuery>,
) -> Result<Page<ExecutionEvent>, Problem> {
    let limit = limit(query.limit)?;
    let after = match (query.after, query.cursor) {
        (Some(_), Some(_)) => return Err(Problem::parameter("cursor", "it means the same as `after`; give one of the two")),
        (after, cursor) => after.or(cursor),
    };
    let id = sight::execution(&app, &caller, &text, Verb::View).await?;
    let mut events = app.engine.store().events_after(id, after.unwrap_or(0), limit + 1).await?;
    let more = events.len() > limit as usize;
    events.truncate(limit as usize);
    let next = events.last().filter(|_| more).map(|event| event.seq.to_string());
    Ok(page(events.iter().map(view), next))
}

fn view(record: &EventRecord) -> ExecutionEvent {
    ExecutionEvent { seq: record.seq, at: record.at.into(), event: Readable::of(&record.event) }
}
