//! Whether the controller lives and can serve. Open to anybody, so that nothing here says more than that.

use super::App;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use serde_json::{Value, json};
use std::time::Duration;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /`: a word for whoever opens the address in a browser. The dashboard comes with a later release.
pub(super) async fn welcome() -> &'static str {
    "This is a PULSE controller.\n\n\
     People use it with `pulse` on the command line, scripts with the API under /api/v1, probes with /health.\n"
}

/// `GET /health/live`: the process answers.
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /health/ready`: it can take requests.
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, Json<Value>) {
    match state(&app).await {
        Ok(()) => (StatusCode::OK, Json(json!({ "status": "ok" }))),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "unavailable", "reason": why }))),
    }
}

/// `GET /health`: the same with what it stands on.
pub(super) async fn whole(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let database = database(&app).await;
    let stopping = *app.stopping.borrow();
    let healthy = database.is_ok() && !stopping;
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if healthy { "ok" } else { "unavailable" },
        "release": env!("CARGO_PKG_VERSION"),
        "role": "active",
        "stopping": stopping,
        "database": { "status": if database.is_ok() { "ok" } else { "unavailable" } },
    });
    (status, Json(body))
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
