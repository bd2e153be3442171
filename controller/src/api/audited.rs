//! What of a request goes into the audit log: the mark of its route, and the two layers that write by it.
//!
//! ```text
//! outer: a ticket ─▶ who calls, may they ─▶ inner: `begun`, where that comes first ─▶ handler ─▶ outer: what came of it
//! ```
//!
//! Whoever asks for a change and goes away does not stop it half-way: it goes on to its end, and that is written.

use super::problem::Code;
use super::request::{drain, panicked};
use super::{App, Problem, Rules};
use crate::audit::Ticket;
use crate::identity::Unknown;
use crate::serve::Peer;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tracing::Instrument;

/// What a route leaves in the audit log. Each route has one, so that a new one that changes something cannot be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing: it changes nothing, or what it brings about has a history of its own.
    Look,
    /// A row that is part of the commit of what was asked for; a refusal's row comes after.
    Committed(&'static str),
    /// A row that is there before anything is done, and gets its end.
    Begun(&'static str),
    /// A row that comes after.
    Beside(&'static str),
}

impl Mark {
    /// The action's word.
    pub const fn action(self) -> Option<&'static str> {
        match self {
            Self::Look => None,
            Self::Committed(action) | Self::Begun(action) | Self::Beside(action) => Some(action),
        }
    }
}

/// The id of a request, as an extension.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) String);

/// The layer over everything that knows who calls.
pub(super) async fn outer(State((app, rules)): State<(App, Arc<Rules>)>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let Some(action) = rules.mark(request.method(), path).action() else { return next.run(request).await };
    let (mut parts, body) = request.into_parts();
    let (ticket, peer) = ticket(action, &mut parts).await;
    parts.extensions.insert(ticket.clone());
    let answered = AssertUnwindSafe(next.run(Request::from_parts(parts, body))).catch_unwind();
    let work = async move {
        let response = answered.await.unwrap_or_else(panicked);
        end(&app, &ticket, peer, Answered::of(&response)).await;
        response
    };
    tokio::spawn(work.in_current_span()).await.unwrap_or_else(|_| {
        // The runtime ends, and with it everything.
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the controller stops").into_response()
    })
}

/// A ticket on what the path names.
async fn ticket(action: &str, parts: &mut Parts) -> (Ticket, Option<IpAddr>) {
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let ticket = Ticket::new(action, peer, parts.extensions.get::<RequestId>().map(|RequestId(id)| id.clone()));
    if let Ok(params) = RawPathParams::from_request_parts(parts, &()).await
        && let Some((_, value)) = params.iter().next()
    {
        ticket.on(action.split('.').next().unwrap_or(action), value);
    }
    (ticket, peer)
}

/// What an answer says to the audit log.
struct Answered {
    status: u16,
    code: Option<&'static str>,
    nobody: bool,
}

impl Answered {
    fn of(response: &Response) -> Self {
        let (status, said) = (response.status().as_u16(), response.extensions());
        let code = said.get::<Code>().map(|Code(code)| *code);
        Self { status, code, nobody: said.get::<Stranger>().is_some_and(|stranger| stranger.nobody) }
    }
}

async fn end(app: &App, ticket: &Ticket, peer: Option<IpAddr>, answered: Answered) {
    let Answered { status, code, nobody } = answered;
    // Whoever is not even known could fill the log.
    let stranger = (400..500).contains(&status) && !ticket.is_known() && !ticket.is_begun();
    if stranger && !app.audit.is_worth_a_row(peer, ticket, nobody) {
        return;
    }
    app.audit.end(ticket, status, code).await;
}

/// The layer right over the handlers.
pub(super) async fn inner(State((app, rules)): State<(App, Arc<Rules>)>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let ticket = request.extensions().get::<Ticket>().cloned();
    if let (Mark::Begun(_), Some(ticket)) = (rules.mark(request.method(), path), ticket)
        && app.audit.begin(&ticket).await.is_err()
    {
        drain(request.into_body()).await;
        let detail = "the audit log cannot be written, so nothing is done; ask again in a moment";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable", detail).into_response();
    }
    next.run(request).await
}

/// Says of an answer that nobody knows who was refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stranger {
    nobody: bool,
}

impl From<&Unknown> for Stranger {
    fn from(unknown: &Unknown) -> Self {
        Self { nobody: matches!(unknown, Unknown::Nobody) }
    }
}

impl FromRequestParts<App> for Ticket {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        // The layer puts it in for every marked route; a handler of another one that asks for it is a mistake of ours.
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "this route is not marked for the audit log")
        })
    }
}
