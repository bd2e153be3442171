//! Whether the controller lives and can serve. Open to anybody, so that nothing here says more than that.

use super::App;
use super::answers::{DatabaseHealth, Health, Liveness, Readiness};
use super::reply::Probed;
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
    let database = database(&app).await;
    let stopping = *app.stopping.borrow();
    let healthy = database.is_ok() && !stopping;
    let answer = Health {
        status: word(healthy),
        release: env!("CARGO_PKG_VERSION"),
        role: "active",
        reason: None,
        stopping,
        database: DatabaseHealth { status: word(database.is_ok()) },
        holder: None,
    };
    if healthy { Probed::well(answer) } else { Probed::ill(answer) }
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
