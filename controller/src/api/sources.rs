//! Sources: where each is, how it stands, what came last.

use super::answers::{ConditionView, Page, SourceView, WebhookAddress};
use super::extract::{Parameters, Segment};
use super::list::{PageQuery, by_name};
use super::reply::Object;
use super::time::At;
use super::{App, Problem, syncs, webhooks};
use crate::sync::Syncer;
use crate::webhook::{Last, PATH};
use axum::extract::State;
use pulse_core::source_status::{Condition, SourceStatus};
use pulse_store::SyncRecord;

/// `GET /api/v1/sources`.
pub(super) async fn list(State(app): State<App>, Parameters(query): Parameters<PageQuery>) -> Result<Page<SourceView>, Problem> {
    let last = webhooks::last(&app).await;
    let mut all = Vec::new();
    for syncer in app.sources.iter() {
        all.push((syncer.name().to_owned(), syncer.status().await?));
    }
    by_name(all, &query, |status| view(&app, &status, last.as_ref()))
}

/// `GET /api/v1/sources/{name}`.
pub(super) async fn one(State(app): State<App>, Segment(name): Segment) -> Result<Object<SourceView>, Problem> {
    let syncer: &Syncer = app.sources.pick(Some(&name))?;
    let last = webhooks::last(&app).await;
    Ok(Object(view(&app, &syncer.status().await?, last.as_ref())))
}

fn view(app: &App, status: &SourceStatus<SyncRecord>, last: Option<&Last>) -> SourceView {
    let refused = last.map(|last| last.refused().into_iter().map(webhooks::view).collect());
    SourceView {
        name: status.name.clone(),
        kind: status.address.kind.as_str(),
        url: status.address.url.clone(),
        branch: status.address.branch.clone(),
        path: status.address.path.clone(),
        observed_commit: status.observed_commit.clone(),
        generation: status.generation,
        conditions: status.conditions.iter().map(condition).collect(),
        last_sync: status.last_sync.as_ref().map(syncs::view),
        last_look: status.last_look.map(At),
        next_look: status.next_look.map(At),
        failures: status.failures,
        webhook: WebhookAddress { enabled: app.webhooks.are_on(), path: PATH, url: format!("{}{PATH}", app.url) },
        last_webhook: last.and_then(|last| last.about(&status.name)).map(webhooks::view),
        last_accepted_webhook: last.and_then(|last| last.accepted(&status.name)).map(webhooks::view),
        refused_webhooks: refused,
    }
}

fn condition(condition: &Condition) -> ConditionView {
    ConditionView {
        kind: condition.kind.as_str(),
        status: condition.status.as_str(),
        reason: condition.reason.as_str(),
        message: condition.message.clone(),
        last_transition_time: condition.since.map(At),
    }
}
