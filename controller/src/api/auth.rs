//! The layer over every route: who calls, and whether the route's rule lets them through.

use super::audited::Stranger;
use super::caller::Caller;
use super::request::drain;
use super::{App, Problem, Rule, Rules};
use crate::audit::Ticket;
use crate::identity::{Identity, Unknown, Visit};
use crate::serve::Peer;
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use pulse_core::access::Object;
use std::net::IpAddr;
use std::sync::Arc;

/// The only route that takes the token from the WebSocket's protocols, because a browser can send no other header.
const LIVE: &str = "/api/v1/events";
/// The agents' WebSocket.
const AGENTS: &str = "/api/v1/agents/session";
/// What a token is behind in `Sec-WebSocket-Protocol`.
const PROTOCOL_PREFIX: &str = "pulse.bearer.";

/// The layer over every route.
pub(super) async fn authorise(State((app, rules)): State<(App, Arc<Rules>)>, request: Request, next: Next) -> Response {
    // A body cannot be shared, and nobody needs it here.
    let (mut parts, body) = request.into_parts();
    let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    // A method that the path does not have is answered as such, but not to strangers.
    let rule = rules.of(&parts.method, &path).unwrap_or(Rule::SignedIn);
    let caller = match let_in(&app, rule, &parts, &path).await {
        Ok(caller) => caller,
        Err(problem) => {
            drain(body).await;
            return with_challenge(problem);
        }
    };
    if let Some(caller) = caller {
        parts.extensions.insert(caller);
    }
    next.run(Request::from_parts(parts, body)).await
}

/// Nobody in particular where the route is open.
async fn let_in(app: &App, rule: Rule, parts: &Parts, path: &str) -> Result<Option<Caller>, Unfit> {
    Identity::check_headers(&parts.headers).map_err(Unknown::from)?;
    if path == AGENTS || path == LIVE {
        check_socket(app, &parts.headers, path)?;
    }
    if rule.is_open() {
        return Ok(None);
    }
    let caller = caller(app, parts, path == LIVE).await?;
    if let Some(ticket) = parts.extensions.get::<Ticket>() {
        ticket.by(caller.principal());
    }
    match rule {
        Rule::May(verb) => caller.could(verb)?,
        Rule::Whole(verb) => caller.may(verb, &Object::Pulse)?,
        Rule::Root => caller.is_root()?,
        Rule::Open | Rule::SignedIn => {}
    }
    Ok(Some(caller))
}

/// Who calls.
pub(super) async fn caller(app: &App, parts: &Parts, is_live: bool) -> Result<Caller, Unknown> {
    let bearer = match (bearer(&parts.headers), is_live) {
        (None, true) => protocol_token(&parts.headers),
        (bearer, _) => bearer,
    };
    let visit = Visit { method: &parts.method, headers: &parts.headers, peer: peer(parts), bearer };
    let principal = app.identity.of(visit).await?;
    // A browser opens a socket from any page, with our cookie.
    if is_live && principal.csrf.is_some() && !parts.headers.contains_key(header::ORIGIN) {
        return Err(Unknown::ForeignOrigin);
    }
    Ok(Caller::new(Arc::new(principal), app.engine.access()))
}

/// The address at the other end of a request's socket.
pub(super) fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<Peer>().map(|peer| peer.0.ip())
}

/// A page of another origin opens no socket; an agent is no page.
fn check_socket(app: &App, headers: &HeaderMap, path: &str) -> Result<(), Unknown> {
    let is_page = path == AGENTS && (headers.contains_key(header::ORIGIN) || headers.contains_key(header::COOKIE));
    if is_page {
        return Err(Unknown::ForeignOrigin);
    }
    Ok(app.identity.own().check_origin(headers)?)
}

/// Why a request does not come as far as its handler.
enum Unfit {
    Unknown(Unknown),
    Problem(Problem),
}

impl From<Unknown> for Unfit {
    fn from(unknown: Unknown) -> Self {
        Self::Unknown(unknown)
    }
}
impl From<Problem> for Unfit {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// The refusal, with what a client can do about it where that is to say who it is.
fn with_challenge(unfit: Unfit) -> Response {
    let (stranger, problem) = match unfit {
        Unfit::Problem(problem) => (None, problem),
        Unfit::Unknown(unknown) => (Some(Stranger::from(&unknown)), Problem::from(unknown)),
    };
    let mut response = problem.into_response();
    stranger.map(|stranger| response.extensions_mut().insert(stranger));
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = header::HeaderValue::from_static("Bearer realm=\"pulse\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

impl From<Unknown> for Problem {
    fn from(unknown: Unknown) -> Self {
        let said = unknown.to_string();
        match unknown {
            Unknown::Nobody | Unknown::BadToken | Unknown::Untrusted | Unknown::Ended => {
                Self::new(StatusCode::UNAUTHORIZED, "unauthorized", said)
            }
            Unknown::BadHeaders(_) => Self::bad_request("bad_identity_header", said),
            Unknown::NoCsrfToken => Self::new(StatusCode::FORBIDDEN, "csrf", said),
            Unknown::ForeignOrigin => Self::new(StatusCode::FORBIDDEN, "foreign_origin", said),
            Unknown::NameTaken(_) => Self::new(StatusCode::FORBIDDEN, "name_taken", said),
            Unknown::SignIn(error) => error.into(),
            Unknown::Store(error) => error.into(),
            Unknown::NoRandom(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_random", said),
        }
    }
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn protocol_token(headers: &HeaderMap) -> Option<&str> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|value| value.split(',')).find_map(|one| one.trim().strip_prefix(PROTOCOL_PREFIX))
}
