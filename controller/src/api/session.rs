//! The session of a browser: begun with a token here (or by signing in elsewhere), looked at, ended.

use super::answers::{PrincipalView, ProviderView, SessionView};
use super::auth;
use super::body::Json as Body;
use super::caller::Caller;
use super::oidc::LOGIN;
use super::reply::{CookieSet, Private};
use super::{App, Problem};
use crate::audit::Ticket;
use crate::identity::Unknown;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use pulse_core::access::Verb;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// What a browser is let in with.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// The token.
    token: String,
}

/// `POST /api/v1/session`: begins a session for whoever has a token.
pub(super) async fn sign_in(
    State(app): State<App>,
    ticket: Ticket,
    headers: HeaderMap,
    Body(wanted): Body<SignIn>,
) -> Result<CookieSet, Problem> {
    // Another page shall not sign somebody in as whom it likes.
    app.identity.own().check_origin(&headers).map_err(Unknown::from)?;
    let (principal, secret) = app.identity.sign_in(wanted.token.trim()).await?;
    ticket.by(&principal);
    let cookie = app.identity.own().set_cookie(&secret, app.identity.session_life());
    Ok(CookieSet((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()))
}

/// `GET /api/v1/session`: who somebody is and what they may do; for a stranger, how to sign in.
pub(super) async fn look(State(app): State<App>, parts: Parts) -> Result<Private<SessionView>, Problem> {
    let caller = auth::caller(&app, &parts, false).await;
    match caller {
        Ok(caller) => Ok(Private(view(&caller, providers(&app, true).await))),
        Err(unknown) => Err(Problem::from(unknown).with("providers", json!(providers(&app, false).await))),
    }
}

/// `DELETE /api/v1/session`.
pub(super) async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<CookieSet, Problem> {
    app.identity.sign_out(&headers).await?;
    let cookie = app.identity.own().set_cookie("", 0);
    Ok(CookieSet((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()))
}

/// Where people sign in; for somebody who has come in, with where they end that.
async fn providers(app: &App, is_known: bool) -> Vec<ProviderView> {
    let Some(oidc) = app.identity.oidc() else { return Vec::new() };
    let sign_out_url = if is_known { oidc.sign_out_url().await } else { None };
    vec![ProviderView { kind: "oidc", name: oidc.name().to_owned(), url: LOGIN, sign_out_url }]
}

fn view(caller: &Caller, providers: Vec<ProviderView>) -> SessionView {
    let principal = caller.principal();
    let subject = &principal.subject;
    SessionView {
        principal: PrincipalView {
            name: principal.by(),
            display_name: principal.display_name.clone(),
            email: principal.email.clone(),
            groups: subject.groups.clone(),
            roles: subject.roles.clone(),
            kind: subject.kind,
            means: principal.means.as_str(),
        },
        csrf: principal.csrf.clone(),
        rights: Verb::ALL.into_iter().filter(|verb| caller.could(*verb).is_ok()).collect(),
        providers,
    }
}
