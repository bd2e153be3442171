//! Signing in at an issuer of OpenID Connect: the code flow with PKCE, the nonce, and a state that only the browser that began has.
//!
//! ```text
//! begin ─▶ state, nonce, verifier kept for ten minutes; the browser gets the state as a cookie and goes to the issuer
//! finish ─▶ the cookie is the state ─▶ code and verifier against the ID token ─▶ signature, issuer, audience, times, nonce
//!        ─▶ the person: the claim with the name, the claim with the groups (of userinfo where the token has none)
//! ```

mod claims;
mod http;
mod pending;
mod provider;

pub use claims::{Person, WrongClaims};

use crate::clock;
use crate::config;
use openidconnect::{
    AuthorizationCode, CsrfToken, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, Scope, TokenResponse,
};
use pending::Pending;
use provider::Provider;
use std::sync::Arc;
use tokio::sync::Mutex;

/// How long what an issuer says of itself, and its keys, count, in microseconds.
const FRESH: i64 = 3600 * 1_000_000;

/// An issuer where people sign in.
pub struct Oidc {
    settings: config::Oidc,
    /// Where the issuer sends the browser back to.
    redirect: String,
    pending: Arc<Pending>,
    /// What the issuer said of itself, and when.
    provider: Mutex<Option<(i64, Provider)>>,
}

/// Where the browser goes, and the state that it keeps.
pub struct Begun {
    /// At the issuer.
    pub url: String,
    /// For the cookie.
    pub state: String,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's sentence says it")]
pub enum SignInError {
    #[error("the issuer {issuer} cannot be asked: {why}")]
    Unreachable { issuer: String, why: String },
    #[error("this was not begun in this browser, or longer than ten minutes ago; sign in again")]
    NotBegun,
    #[error("the issuer refused: {0}")]
    Refused(String),
    #[error("the answer came from another issuer, {0}")]
    AnotherIssuer(String),
    #[error("what the issuer said does not hold: {0}")]
    Untrue(String),
    #[error(transparent)]
    Claims(#[from] WrongClaims),
    #[error("too many people are signing in at once; try again in a moment")]
    TooMany,
}

impl Oidc {
    /// An issuer that sends people back to this controller's URL.
    pub fn new(settings: config::Oidc, url: &str) -> Self {
        let redirect = format!("{url}/auth/oidc/callback");
        Self { settings, redirect, pending: Arc::default(), provider: Mutex::new(None) }
    }

    /// The same with other settings. Whoever is on the way at the same issuer is still so.
    pub fn with(self: &Arc<Self>, settings: &config::Oidc) -> Arc<Self> {
        if self.settings == *settings {
            return Arc::clone(self);
        }
        let is_same = self.settings.issuer == settings.issuer && self.settings.client_id == settings.client_id;
        let pending = if is_same { Arc::clone(&self.pending) } else { Arc::default() };
        Arc::new(Self { settings: settings.clone(), redirect: self.redirect.clone(), pending, provider: Mutex::new(None) })
    }

    /// What people read on the button.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Its URL.
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Sends a browser to the issuer; it comes back to `back`, a path of ours.
    pub async fn begin(&self, back: String) -> Result<Begun, SignInError> {
        let provider = self.provider(false).await?;
        let client = provider.client(&self.settings, &self.redirect)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client.authorize_url(
            openidconnect::core::CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        );
        for scope in self.settings.scopes.iter().filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
        let state = state.secret().clone();
        let one = pending::One { verifier: verifier.secret().clone(), nonce: nonce.secret().clone(), back };
        self.pending.put(state.clone(), one, clock::now()).then_some(()).ok_or(SignInError::TooMany)?;
        Ok(Begun { url: url.to_string(), state })
    }

    /// Ends what was begun: who it is, and the path to go back to. `cookie` is the state that the browser kept.
    pub async fn finish(&self, answer: &Answer, cookie: Option<&str>) -> Result<(Person, String), SignInError> {
        let state = answer.state.as_deref().unwrap_or_default();
        let is_ours = cookie.is_some_and(|cookie| super::secret::is_equal(cookie, state));
        let one = is_ours.then(|| self.pending.take(state, clock::now())).flatten().ok_or(SignInError::NotBegun)?;
        if let Some(issuer) = answer.iss.as_ref().filter(|issuer| **issuer != self.settings.issuer) {
            return Err(SignInError::AnotherIssuer(issuer.chars().take(200).collect()));
        }
        if let Some(error) = &answer.error {
            let said = answer.error_description.as_deref().unwrap_or_default();
            return Err(SignInError::Refused(format!("{error} {said}").chars().filter(|c| !c.is_control()).take(300).collect()));
        }
        let code = answer.code.clone().ok_or_else(|| SignInError::Refused("it sent no code".to_owned()))?;
        let person = self.redeem(code, &one).await?;
        Ok((person, one.back))
    }

    async fn redeem(&self, code: String, one: &pending::One) -> Result<Person, SignInError> {
        let provider = self.provider(false).await?;
        let client = provider.client(&self.settings, &self.redirect)?;
        let http = provider.http();
        let untrue = |error: &dyn std::fmt::Display| SignInError::Untrue(error.to_string());
        let request = client.exchange_code(AuthorizationCode::new(code)).map_err(|error| untrue(&error))?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(one.verifier.clone()));
        let tokens = request.request_async(&http).await.map_err(|error| SignInError::Refused(http::chain(&error)))?;
        let token = tokens.id_token().ok_or_else(|| SignInError::Untrue("it sent no ID token".to_owned()))?;
        let nonce = Nonce::new(one.nonce.clone());
        // A key that is not known may be a new one.
        let known = token.claims(&provider.verifier(&client), &nonce).cloned();
        let claims = match known {
            Ok(claims) => claims,
            Err(openidconnect::ClaimsVerificationError::SignatureVerification(_)) => {
                let renewed = self.provider(true).await?;
                let client = renewed.client(&self.settings, &self.redirect)?;
                token.claims(&renewed.verifier(&client), &nonce).cloned().map_err(|error| untrue(&error))?
            }
            Err(error) => return Err(untrue(&error)),
        };
        let subject = claims.subject().clone();
        let mut said = claims::of_token(&claims)?;
        claims::check_times(&said, clock::now())?;
        if !said.contains_key(&self.settings.groups_claim) || !said.contains_key(&self.settings.user_claim) {
            let more = provider.user_info(&client, tokens.access_token().clone(), subject.clone()).await?;
            for (name, value) in more {
                said.entry(name).or_insert(value);
            }
        }
        Ok(Person::of(subject.as_str(), &said, &self.settings)?)
    }

    /// What the issuer says of itself: what was heard within the hour, or, where that is `stale`, within the last minute.
    async fn provider(&self, stale: bool) -> Result<Provider, SignInError> {
        let mut known = self.provider.lock().await;
        let (now, fresh) = (clock::now().0, if stale { FRESH / 60 } else { FRESH });
        if let Some((_, provider)) = known.as_ref().filter(|(at, _)| now - at < fresh) {
            return Ok(provider.clone());
        }
        let provider = Provider::discover(&self.settings).await?;
        *known = Some((now, provider.clone()));
        Ok(provider)
    }

    /// Where a browser ends its session at the issuer, too, and comes back from; where the issuer has such a place.
    pub async fn sign_out_url(&self) -> Option<String> {
        let back = self.redirect.strip_suffix("/auth/oidc/callback")?;
        self.provider(false).await.ok()?.sign_out_url(&self.settings.client_id, back)
    }
}

/// What the issuer has the browser bring back.
#[derive(Debug, Default, serde::Deserialize, schemars::JsonSchema)]
pub struct Answer {
    /// The code that is redeemed.
    pub code: Option<String>,
    /// The state that was given.
    pub state: Option<String>,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
    /// Why it does not.
    pub error: Option<String>,
    /// That in words.
    pub error_description: Option<String>,
}
