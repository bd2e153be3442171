//! Sources: where each is, how it stands, what came last.

use super::extract::{Parameters, Segment};
use super::list::{PageQuery, by_name};
use super::time::{optional, rfc3339};
use super::{App, Problem, syncs, webhooks};
use crate::sync::Syncer;
use crate::webhook::{Last, PATH};
use axum::extract::State;
use axum::response::Json;
use pulse_core::source_status::{Condition, SourceStatus};
use pulse_store::SyncRecord;
use serde_json::{Value, json};

/// `GET /api/v1/sources`.
pub(super) async fn list(State(app): State<App>, Parameters(query): Parameters<PageQuery>) -> Result<Json<Value>, Problem> {
    let last = webhooks::last(&app).await;
    let mut all = Vec::new();
    for syncer in app.sources.iter() {
        all.push((syncer.name().to_owned(), syncer.status().await?));
    }
    Ok(Json(by_name(all, &query, |status| view(&app, &status, last.as_ref()))?))
}

/// `GET /api/v1/sources/{name}`.
pub(super) async fn one(State(app): State<App>, Segment(name): Segment) -> Result<Json<Value>, Problem> {
    let syncer: &Syncer = app.sources.pick(Some(&name))?;
    let last = webhooks::last(&app).await;
    Ok(Json(view(&app, &syncer.status().await?, last.as_ref())))
}

fn view(app: &App, status: &SourceStatus<SyncRecord>, last: Option<&Last>) -> Value {
    json!({
        "name": status.name,
        "kind": status.address.kind.as_str(),
        "url": status.address.url,
        "branch": status.address.branch,
        "path": status.address.path,
        "observedCommit": status.observed_commit,
        "generation": status.generation,
        "conditions": status.conditions.iter().map(condition).collect::<Vec<_>>(),
        "lastSync": status.last_sync.as_ref().map(syncs::view),
        "lastLook": optional(status.last_look),
        "nextLook": optional(status.next_look),
        "failures": status.failures,
        "webhook": { "enabled": app.webhooks.are_on(), "path": PATH, "url": format!("{}{PATH}", app.url) },
        "lastWebhook": webhooks::view(last.and_then(|last| last.about(&status.name))),
        "lastAcceptedWebhook": webhooks::view(last.and_then(|last| last.accepted(&status.name))),
        "refusedWebhooks": last.map(|last| last.refused().into_iter().map(|one| webhooks::view(Some(one))).collect::<Vec<_>>()),
    })
}

fn condition(condition: &Condition) -> Value {
    json!({
        "type": condition.kind.as_str(),
        "status": condition.status.as_str(),
        "reason": condition.reason.as_str(),
        "message": condition.message,
        "lastTransitionTime": condition.since.map(rfc3339),
    })
}
