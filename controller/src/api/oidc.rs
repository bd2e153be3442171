//! Signing in at an issuer of OpenID Connect, as a browser goes through it: there, and back.

use super::extract::Parameters;
use super::reply::Redirected;
use super::{App, Problem};
use crate::audit::Ticket;
use crate::identity::SignedIn;
use crate::identity::oidc::{Answer, SignInError};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;

/// How long a browser keeps the state, in seconds.
const STATE_LIFE: i64 = 600;
/// Where browsers begin.
pub(super) const LOGIN: &str = "/auth/oidc/login";

/// Where to go afterwards.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Begin {
    /// A path of this controller; `/` unless said.
    return_to: Option<String>,
}

/// `GET /auth/oidc/login`: sends the browser to the issuer.
pub(super) async fn login(State(app): State<App>, Parameters(query): Parameters<Begin>) -> Result<Redirected, Problem> {
    let oidc = app.identity.oidc().ok_or_else(no_issuer)?;
    let back = query.return_to.filter(|path| is_own_path(path)).unwrap_or_else(|| "/".to_owned());
    let begun = oidc.begin(back).await?;
    let cookie = app.identity.own().set_state_cookie(&begun.state, STATE_LIFE);
    redirect(&begun.url, &[cookie])
}

/// `GET /auth/oidc/callback`: the browser comes back from the issuer.
pub(super) async fn callback(
    State(app): State<App>,
    ticket: Ticket,
    headers: HeaderMap,
    Parameters(answer): Parameters<Answer>,
) -> Result<Redirected, Problem> {
    let SignedIn { principal, secret, back } = app.identity.sign_in_at_issuer(&answer, &headers).await?;
    ticket.by(&principal);
    let own = app.identity.own();
    redirect(&back, &[own.set_cookie(&secret, app.identity.session_life()), own.set_state_cookie("", 0)])
}

/// A path on this controller: no other host, by whatever spelling.
fn is_own_path(path: &str) -> bool {
    let rest = path.strip_prefix('/');
    rest.is_some_and(|rest| !rest.starts_with(['/', '\\'])) && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

fn redirect(to: &str, cookies: &[String]) -> Result<Redirected, Problem> {
    let value =
        |text: &str| HeaderValue::from_str(text).map_err(|_| Problem::bad_request("bad_header", "the way back is no URL"));
    let mut response: Response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, value(to)?);
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, value(cookie)?);
    }
    Ok(Redirected(response))
}

fn no_issuer() -> Problem {
    let problem = Problem::not_found("no_issuer", "no issuer of OpenID Connect is configured");
    problem.with_help("set PULSE_OIDC_ISSUER and PULSE_OIDC_CLIENT_ID")
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        let said = error.to_string();
        match error {
            SignInError::Unreachable { .. } | SignInError::TooMany => {
                tracing::warn!(%error, "nobody can sign in at the issuer");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "issuer_unreachable", said)
            }
            SignInError::NotBegun
            | SignInError::Refused(_)
            | SignInError::AnotherIssuer(_)
            | SignInError::Untrue(_)
            | SignInError::Claims(_) => {
                tracing::warn!(%error, "somebody was not signed in");
                let help = "begin again at /auth/oidc/login";
                Self::new(StatusCode::UNAUTHORIZED, "not_signed_in", said).with_help(help)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_own_path;

    #[test]
    fn the_way_back_leads_nowhere_else() {
        for path in ["/", "/executions/1?x=%2F#y", "/a//b"] {
            assert!(is_own_path(path), "{path}");
        }
        for path in ["", "//evil.example", "/\\evil.example", "https://evil.example", "\\\\evil", "/a\nb", "/a b", "javascript:x"]
        {
            assert!(!is_own_path(path), "{path}");
        }
    }
}
