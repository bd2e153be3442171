//! Headers that make a change depend on something: `If-Match` (the object is as the caller saw it) and `Idempotency-Key` (it is not
//! done already). Where one of them would count for nothing it is refused: whoever sends it relies on it.

use super::caller::Caller;
use super::idempotency::{IDEMPOTENCY_KEY, TAKES_KEYS};
use super::request::drain;
use super::{App, Problem, Route, Rules, etag};
use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::any_service;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What shows the objects that changes are about.
#[derive(Clone)]
pub(super) struct Objects {
    paths: Arc<BTreeSet<&'static str>>,
    rules: Arc<Rules>,
    shown: Router,
}

impl Objects {
    /// Those among these routes.
    pub(super) fn of(routes: Vec<Route>, rules: Arc<Rules>, app: App) -> Self {
        let mut paths = BTreeSet::new();
        let mut shown = Router::new();
        for (_, path, .., endpoint) in routes.into_iter().filter(|(method, ..)| *method == Method::GET) {
            if endpoint.is_object() {
                paths.insert(path);
                shown = shown.route(path, endpoint.router);
            }
        }
        Self { paths: Arc::new(paths), rules, shown: shown.layer(from_fn(etag::add)).with_state(app) }
    }

    /// The tag of the object as it is now; none where the caller does not get it.
    async fn tag(&self, path: &str, caller: Option<&Caller>) -> Option<HeaderValue> {
        let mut request = Request::builder().uri(path).body(Body::empty()).ok()?;
        request.extensions_mut().insert(caller?.clone());
        any_service(self.shown.clone()).call(request, ()).await.headers().get(header::ETAG).cloned()
    }
}

/// The object that a change is about: what is deleted, or what the last part of the path is done to.
pub(super) fn object<'a>(method: &Method, path: &'a str) -> Option<&'a str> {
    match *method {
        Method::DELETE => Some(path),
        Method::POST => path.rsplit_once('/').map(|(object, _)| object),
        _ => None,
    }
}

/// Judges both headers, just before the handler.
pub(super) async fn judge(State(objects): State<Objects>, request: Request, next: Next) -> Response {
    // A body cannot be shared, and nobody needs it here.
    let (parts, body) = request.into_parts();
    match refusal(&objects, &parts).await {
        None => next.run(Request::from_parts(parts, body)).await,
        Some(problem) => {
            drain(body).await;
            problem.into_response()
        }
    }
}

async fn refusal(objects: &Objects, parts: &Parts) -> Option<Problem> {
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    // A method that the path does not have is refused as such.
    if parts.method.is_safe() || objects.rules.of(&parts.method, route).is_none() {
        return None;
    }
    if parts.headers.contains_key(IDEMPOTENCY_KEY) && !TAKES_KEYS.contains(&route) {
        return Some(Problem::bad_request(
            "bad_header",
            "this takes no Idempotency-Key: a repetition of it does no harm, or is seen",
        ));
    }
    let wanted: Vec<_> = parts.headers.get_all(header::IF_MATCH).iter().collect();
    if wanted.is_empty() {
        return None;
    }
    let is_about = object(&parts.method, route).is_some_and(|route| objects.paths.contains(route));
    let Some(path) = object(&parts.method, parts.uri.path()).filter(|_| is_about) else {
        return Some(Problem::bad_request("bad_header", "If-Match names the state of an object, and this is about none"));
    };
    // What does not exist, or not for this caller, is refused by the handler in its own words.
    let tag = objects.tag(path, parts.extensions.get::<Caller>()).await?;
    let tag = tag.to_str().unwrap_or_default();
    if wanted.iter().any(|wanted| etag::names(wanted, tag)) {
        return None;
    }
    let detail = "it is not in the state that If-Match names any more";
    Some(
        Problem::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail).with_help("read it again, then decide anew"),
    )
}
