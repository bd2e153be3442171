//! Whether the controller lives and can serve. Open to anybody, so that nothing here says more than that.

use super::App;
use super::answers::{DatabaseHealth, DetailedHealth, Health, HealthDetails, Liveness, QueueHealth, Readiness, SourceHealth};
use super::reply::Probed;
use super::time::At;
use crate::agents::AgentState;
use crate::clock;
use crate::sync::Syncer;
use axum::extract::State;
use axum::response::Json;
use std::time::Duration;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /health/live`: the process answers.
pub(super) async fn live() -> Json<Liveness> {
    Json(Liveness { status: "ok" })
}

/// `GET /health/ready`: it can take requests.
pub(super) async fn ready(State(app): State<App>) -> Probed<Readiness> {
    match state(&app).await {
        Ok(()) => Probed::well(Readiness { status: word(true), role: None, reason: None }),
        Err(why) => Probed::ill(Readiness { status: word(false), role: None, reason: Some(why.to_owned()) }),
    }
}

/// `GET /health`: the same with what it stands on.
pub(super) async fn whole(State(app): State<App>) -> Probed<Health> {
    let answer = health(&app).await;
    if answer.status == word(true) { Probed::well(answer) } else { Probed::ill(answer) }
}

/// `GET /health/detailed`: the same with sources, agents and queues. A source that is not well makes it `degraded`, and not
/// unavailable: what is live goes on, and no restart would mend it.
pub(super) async fn detailed(State(app): State<App>) -> Probed<DetailedHealth> {
    let (mut health, details) = (health(&app).await, details(&app));
    let well = health.status == word(true);
    if well && details.sources.iter().any(|source| source.status != word(true)) {
        health.status = "degraded";
    }
    let answer = DetailedHealth { health, details: Some(details) };
    if well { Probed::well(answer) } else { Probed::ill(answer) }
}

/// All of it is in memory: nobody who asks costs the database anything.
fn details(app: &App) -> HealthDetails {
    let census = app.engine.fleet().lock().census(clock::now());
    let count = |state: AgentState| (state.as_str(), census.agents.get(&state).copied().unwrap_or(0));
    let (executions, schedules) = app.engine.depths();
    HealthDetails {
        sources: app.sources.iter().map(source).collect(),
        agents: AgentState::ALL.into_iter().map(count).collect(),
        queues: QueueHealth { executions, schedules, writes: app.engine.store().writer().waiting() },
        webhooks: app.webhooks.are_on(),
    }
}

fn source(syncer: &Syncer) -> SourceHealth {
    let facts = syncer.known();
    let reason = facts.last.as_ref().map(|last| last.reason);
    SourceHealth {
        name: syncer.name().to_owned(),
        status: word(reason.is_some_and(|reason| reason.is_live())),
        reason: reason.map_or("NeverSynced", |reason| reason.as_str()),
        last_look: facts.last_look.map(At),
        last_success: facts.last_success.map(At),
        failures: facts.failures,
    }
}

async fn health(app: &App) -> Health {
    let database = database(app).await;
    let stopping = *app.stopping.borrow();
    let healthy = database.is_ok() && !stopping;
    Health {
        status: word(healthy),
        release: env!("CARGO_PKG_VERSION"),
        role: "active",
        reason: None,
        stopping,
        database: DatabaseHealth { status: word(database.is_ok()) },
        holder: None,
    }
}

/// Well, or not.
pub(super) const fn word(well: bool) -> &'static str {
    if well { "ok" } else { "unavailable" }
}

async fn state(app: &App) -> Result<(), &'static str> {
    if *app.stopping.borrow() {
        return Err("the controller is stopping");
    }
    database(app).await
}

async fn database(app: &App) -> Result<(), &'static str> {
    match tokio::time::timeout(PATIENCE, app.engine.store().meta("cluster_id")).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer");
            Err("the database does not answer")
        }
        Err(_) => Err("the database does not answer in time"),
    }
}
