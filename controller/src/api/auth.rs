//! The layer over every route: who calls, and whether the route's rule lets them through.

use super::caller::Caller;
use super::request::drain;
use super::{App, Problem, Rule, Rules};
use crate::identity::Unknown;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// The only route that takes the token from the WebSocket's protocols, because a browser can send no other header.
const LIVE: &str = "/api/v1/events";
/// What a token is behind in `Sec-WebSocket-Protocol`.
const PROTOCOL_PREFIX: &str = "pulse.bearer.";

/// The layer over every route.
pub(super) async fn authorise(State((app, rules)): State<(App, Arc<Rules>)>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    // A method that the path does not have is answered as such, but not to strangers.
    let rule = rules.of(request.method(), &path).unwrap_or(Rule::SignedIn);
    if rule.is_open() {
        return next.run(request).await;
    }
    match caller(&app, &request, &path) {
        Ok(caller) => {
            let refused = match rule {
                Rule::May(verb) => caller.could(verb).err(),
                Rule::Open | Rule::SignedIn => None,
            };
            if let Some(problem) = refused {
                drain(request.into_body()).await;
                return problem.into_response();
            }
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(unknown) => {
            drain(request.into_body()).await;
            unauthorized(unknown)
        }
    }
}

fn caller(app: &App, request: &Request, path: &str) -> Result<Caller, Unknown> {
    let token = match (bearer(request.headers()), path == LIVE) {
        (None, true) => protocol_token(request.headers()),
        (bearer, _) => bearer,
    };
    let principal = app.identity.bearer(token)?;
    Ok(Caller::new(Arc::new(principal), app.engine.access()))
}

fn unauthorized(unknown: Unknown) -> Response {
    let detail = match unknown {
        Unknown::Nobody => "this needs a token: send the header `Authorization: Bearer <token>`",
        Unknown::BadToken => "the token is not valid",
    };
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail);
    ([(header::WWW_AUTHENTICATE, "Bearer realm=\"pulse\"")], problem).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn protocol_token(headers: &HeaderMap) -> Option<&str> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|value| value.split(',')).find_map(|one| one.trim().strip_prefix(PROTOCOL_PREFIX))
}
