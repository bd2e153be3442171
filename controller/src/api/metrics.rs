//! `GET /metrics`, and the layer that counts requests. Open like the probes, on purpose: a scraper is no person, and what is told names no
//! agent, no person and no workflow. Where even numbers are nobody's business a token guards it, and then workflows are named.

use super::reply::Exposition;
use super::{App, Problem, Rules};
use crate::engine::Engine;
use crate::identity::secret::{hash, is_equal};
use crate::metrics::{MEDIA_TYPE, Metrics, method};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tokio::time::Instant;

/// Where they are.
pub(super) const PATH: &str = "/metrics";
/// The route of what has none.
const OTHER: &str = "other";

/// `GET /metrics`.
pub(super) async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Exposition, Problem> {
    answer(app.engine.metrics(), &headers, "active", Some(&app.engine)).await
}

/// The same of a controller in any phase.
pub(super) async fn answer(
    metrics: &Metrics,
    headers: &HeaderMap,
    phase: &'static str,
    engine: Option<&Engine>,
) -> Result<Exposition, Problem> {
    if let Some(token) = metrics.token()
        && !super::auth::bearer(headers).is_some_and(|said| is_equal(&hash(said), &hash(token.reveal())))
    {
        let detail = "the metrics are guarded by a token of their own";
        let help = "send `Authorization: Bearer …` with what PULSE_METRICS_TOKEN holds";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).with_help(help));
    }
    let text = metrics.text(phase, engine).await;
    Ok(Exposition(([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response()))
}

/// Counts a request and times it.
pub(super) async fn measure(State((metrics, rules)): State<(Metrics, Arc<Rules>)>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = method(request.method());
    // The router's own word, which is one of the table's.
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.and_then(|path| rules.known(path.as_str())).unwrap_or(OTHER);
    let response = next.run(request).await;
    metrics.requests().answered(method, route, response.status().as_u16(), begun.elapsed());
    response
}
