//! The session of a browser: begun with a token here (or by signing in elsewhere), looked at, ended.

use super::auth;
use super::body::Json as Body;
use super::caller::Caller;
use super::{App, Problem};
use crate::identity::{Means, SESSION_LIFE, Unknown};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use pulse_core::access::{Kind, Verb};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a browser is let in with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    token: String,
}

/// `POST /api/v1/session`: begins a session for whoever has a token.
pub(super) async fn sign_in(State(app): State<App>, headers: HeaderMap, Body(wanted): Body<SignIn>) -> Result<Response, Problem> {
    // Another page shall not sign somebody in as whom it likes.
    app.identity.own().check_origin(&headers).map_err(Unknown::from)?;
    let secret = app.identity.sign_in(wanted.token.trim()).await?;
    let cookie = app.identity.own().set_cookie(&secret, SESSION_LIFE / 1_000_000);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// `GET /api/v1/session`: who somebody is and what they may do; for a stranger, how to sign in.
pub(super) async fn look(State(app): State<App>, parts: Parts) -> Result<Json<Value>, Problem> {
    let caller = auth::caller(&app, &parts, false).await;
    let caller = caller.map_err(|unknown| Problem::from(unknown).with("providers", json!([])))?;
    Ok(Json(view(&caller)))
}

/// `DELETE /api/v1/session`.
pub(super) async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    app.identity.sign_out(&headers).await?;
    let cookie = app.identity.own().set_cookie("", 0);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

fn view(caller: &Caller) -> Value {
    let principal = caller.principal();
    let subject = &principal.subject;
    let rights: Vec<_> = Verb::ALL.into_iter().filter(|verb| caller.could(*verb).is_ok()).map(Verb::as_str).collect();
    json!({
        "principal": {
            "name": principal.by(),
            "displayName": principal.display_name,
            "email": principal.email,
            "groups": subject.groups,
            "roles": subject.roles,
            "kind": match subject.kind { Kind::Root => "root", Kind::User => "user", Kind::Token => "token" },
            "means": match principal.means {
                Means::AdminToken => "admin_token",
                Means::ApiToken(_) => "api_token",
                Means::Proxy => "proxy",
                Means::Oidc => "oidc",
            },
        },
        "csrf": principal.csrf,
        "rights": rights,
        "providers": [],
    })
}
