//! Who may do what, in one place: a request on any route that is not in [`PUBLIC`] needs the administrator's token.

use super::request::drain;
use super::{App, Problem};
use crate::config::AdminToken;
use crate::webhook;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The routes that need no token. Probes come without one; an agent proves who it is by the challenge of its session,
/// a webhook by its signature; asked by the wrong method, its path says so to anybody.
const PUBLIC: &[(Method, &str)] = &[
    (Method::GET, "/"),
    (Method::GET, "/health"),
    (Method::GET, "/health/live"),
    (Method::GET, "/health/ready"),
    (Method::GET, "/api/v1/agents/session"),
    (Method::POST, webhook::PATH),
    (Method::GET, webhook::PATH),
];

/// The only route that takes the token from the WebSocket's protocols, because a browser can send no other header.
const LIVE: &str = "/api/v1/events";
/// What a token is behind in `Sec-WebSocket-Protocol`.
const PROTOCOL_PREFIX: &str = "pulse.bearer.";

/// The administrator's token, as far as it has to be known: its SHA-256.
pub struct Admin {
    hash: [u8; 32],
}

/// Who sent a request.
#[derive(Debug, Clone)]
pub(super) struct Principal(pub(super) String);

impl Admin {
    /// Lets in who has this token.
    pub fn new(token: &AdminToken) -> Self {
        Self { hash: Sha256::digest(token.0.reveal()).into() }
    }

    /// Hashes are compared, in constant time, so that neither length nor content of the token shows in the answer's time.
    fn is(&self, token: &str) -> bool {
        let hash: [u8; 32] = Sha256::digest(token).into();
        hash.ct_eq(&self.hash).into()
    }
}

/// Whether a route is open to anybody.
pub(super) fn is_public(method: &Method, path: &str) -> bool {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    PUBLIC.iter().any(|(public, open)| public == method && *open == path)
}

/// The layer over every route.
pub(super) async fn authorise(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    if is_public(request.method(), &path) {
        return next.run(request).await;
    }
    let token = match (bearer(request.headers()), path == LIVE) {
        (None, true) => protocol_token(request.headers()),
        (bearer, _) => bearer,
    };
    let why = match token {
        Some(token) if app.admin.is(token) => {
            request.extensions_mut().insert(Principal("admin".to_owned()));
            return next.run(request).await;
        }
        Some(_) => "the token is not valid",
        None => "this needs a token: send the header `Authorization: Bearer <token>`",
    };
    drain(request.into_body()).await;
    refused(why)
}

fn refused(detail: &str) -> Response {
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
