//! `POST /webhooks/gitea`: the one route that nobody's token guards, for a delivery proves itself by its signature. What is let
//! in is a hint to look at the sources, answered before anybody looks.

use super::answers::{AcceptedWebhook, LastWebhook as Shown};
use super::reply::{Delivered, NotPost};
use super::request::drain;
use super::{App, Problem};
use crate::webhook::{Delivery, Last, LastWebhook, Refusal, Webhooks};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};

/// `POST /webhooks/gitea`.
pub(super) async fn gitea(State(app): State<App>, request: Request) -> Delivered {
    let delivery = Delivery::of_headers(request.headers());
    Delivered(match take_in(&app.webhooks, request).await {
        Ok(body) => accepted(&app, &delivery.with_body(&body)).into_response(),
        Err(refusal) => refused(&app, refusal, delivery),
    })
}

/// `GET /webhooks/gitea`: what Gitea asks with where its webhook is set to the wrong method.
pub(super) async fn not_post(State(app): State<App>, request: Request) -> NotPost {
    let delivery = Delivery::of_headers(request.headers());
    drain(request.into_body()).await;
    NotPost(refused(&app, Refusal::NotPost, delivery))
}

/// The body of a delivery, once its signature holds: it is judged before anybody looks what it says.
async fn take_in(webhooks: &Webhooks, request: Request) -> Result<Vec<u8>, Refusal> {
    let (verifier, claim) = match webhooks.open(request.headers()) {
        Ok(opened) => opened,
        Err(refusal) => {
            drain(request.into_body()).await;
            return Err(refusal);
        }
    };
    let body = webhooks.intake.take(request.into_body()).await?;
    if verifier.holds(&claim, &body) { Ok(body) } else { Err(Refusal::WrongSignature) }
}

/// Tells every source to look. Which one the delivery means is its own word, and a look too many costs nothing.
fn accepted(app: &App, delivery: &Delivery) -> (StatusCode, Json<AcceptedWebhook>) {
    let mut sources = Vec::new();
    for syncer in app.sources.iter() {
        syncer.hint();
        sources.push(syncer.name().to_owned());
    }
    app.engine.metrics().work().webhook("accepted");
    app.webhooks.ledger.accepted(sources.iter().cloned(), delivery);
    let (event, delivery) = (delivery.event.clone(), delivery.delivery.clone());
    (StatusCode::ACCEPTED, Json(AcceptedWebhook { accepted: true, event, delivery, sources }))
}

/// Whoever cannot sign learns nothing of what was wrong with the signature; people who may know see it in `lastWebhook`.
fn refused(app: &App, refusal: Refusal, delivery: Delivery) -> Response {
    app.engine.metrics().work().webhook(refusal.code());
    app.webhooks.ledger.refused(refusal, delivery);
    let problem = Problem::new(refusal.status(), refusal.code(), refusal.told()).with_help(refusal.help());
    let mut response = problem.into_response();
    let headers = response.headers_mut();
    match refusal {
        Refusal::NotPost => drop(headers.insert(header::ALLOW, HeaderValue::from_static("POST"))),
        Refusal::Overloaded => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"))),
        _ if refusal.status() == StatusCode::UNAUTHORIZED => {
            drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("X-Gitea-Signature")));
        }
        _ => {}
    }
    response
}

/// The last webhooks. They are told beside other things, and never keep those from being told: what cannot be read is left out.
pub(super) async fn last(app: &App) -> Option<Last> {
    let last = app.webhooks.ledger.last(app.engine.store()).await;
    last.inspect_err(|error| tracing::warn!(%error, "the last webhooks cannot be read; the answer leaves them out")).ok()
}

/// A webhook as people see it: with what was wrong, and what to do.
pub(super) fn view(last: &LastWebhook) -> Shown {
    let refusal = Refusal::from_word(&last.reason);
    Shown {
        received_at: last.received_at.into(),
        accepted: last.accepted,
        reason: last.reason.clone(),
        message: refusal.map(Refusal::message),
        help: refusal.map(Refusal::help),
        delivery: last.delivery.clone(),
    }
}

#[cfg(test)]
mod tests;
