//! Who a request is from. What they may do is decided by `core/access`.
//!
//! ```text
//! headers that are spelt otherwise, or twice ─▶ 400, whoever sends them
//! Authorization: Bearer ─▶ the administrator's token, or one of the API
//! Remote-User from a trusted proxy's address ─▶ a person
//! the cookie ─▶ whoever began the session
//! ```
//!
//! What the browser brings by itself (the last two) needs a token against forged requests with every change.

mod admin;
pub mod browser;
mod headers;
pub mod oidc;
mod people;
mod principal;
pub mod secret;
mod sessions;
#[cfg(test)]
mod timing;
mod tokens;

pub use headers::{BadHeaders, Claimed};
pub use principal::{Means, Principal};
pub use sessions::Holder;
pub use tokens::counts;

use crate::clock;
use crate::config::{AdminToken, People};
use admin::Admin;
use axum::http::{HeaderMap, Method};
use browser::{Forged, OwnOrigin};
use oidc::{Oidc, SignInError};
use pulse_core::Timestamp;
use pulse_store::{ApiToken, BrowserSession, Seen, Store, TokenMade, User};
use sessions::Sessions;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use tokens::Tokens;
use uuid::Uuid;

/// The provider of whom a proxy vouches for.
const PROXY: &str = "proxy";

/// Every way in.
pub struct Identity {
    store: Store,
    tokens: Tokens,
    sessions: Sessions,
    known: people::Known,
    own: OwnOrigin,
    /// How agents and people reach this controller.
    url: String,
    /// What the settings say; exchanged as a whole.
    ways: RwLock<Arc<Ways>>,
}

/// What the settings say of who may come in.
struct Ways {
    admin: Admin,
    people: People,
    oidc: Option<Arc<Oidc>>,
}

/// What is known of a request before it is known who sent it.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// The address at the other end of its socket, where it is known.
    pub peer: Option<IpAddr>,
    /// The token that it brings.
    pub bearer: Option<&'a str>,
}

/// Somebody who has just signed in.
pub struct SignedIn {
    /// Who.
    pub principal: Principal,
    /// The secret of their session.
    pub secret: String,
    /// The path that they go back to.
    pub back: String,
}

/// Why a request's word on who it is from is not taken.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's sentence says it")]
pub enum Unknown {
    #[error("this needs to know who you are: sign in, or send the header `Authorization: Bearer <token>`")]
    Nobody,
    #[error("the token is not valid")]
    BadToken,
    #[error("the headers say who somebody is, and do not come from a trusted proxy (PULSE_TRUSTED_PROXIES)")]
    Untrusted,
    #[error("the session has ended; sign in again")]
    Ended,
    #[error("{0}")]
    BadHeaders(#[from] BadHeaders),
    #[error("a change needs the header `X-Pulse-CSRF` with the value that `GET /api/v1/session` says")]
    NoCsrfToken,
    #[error("this was brought about by a page of another origin than this controller's (PULSE_PUBLIC_URL)")]
    ForeignOrigin,
    #[error("the name `{0}` belongs to somebody whom another provider vouches for")]
    NameTaken(String),
    #[error(transparent)]
    SignIn(#[from] SignInError),
    #[error(transparent)]
    Store(#[from] pulse_store::Error),
    #[error(transparent)]
    NoRandom(#[from] secret::NoRandom),
}

impl From<Forged> for Unknown {
    fn from(forged: Forged) -> Self {
        match forged {
            Forged::NoToken => Self::NoCsrfToken,
            Forged::Origin => Self::ForeignOrigin,
        }
    }
}

impl Identity {
    /// The ways in, with what the database knows of tokens and sessions.
    pub async fn load(
        store: Store,
        admin: &AdminToken,
        people: People,
        (own, url): (OwnOrigin, &str),
    ) -> Result<Self, pulse_store::Error> {
        let unreadable = |error: &pulse_store::RowError| tracing::error!(%error, "who may come in cannot be read");
        let tokens = store.api_tokens().await?.into_iter().filter_map(|row| row.inspect_err(unreadable).ok());
        let sessions = store.browser_sessions().await?.into_iter().filter_map(|row| row.inspect_err(unreadable).ok());
        let (tokens, sessions) = (Tokens::of(tokens), Sessions::of(sessions));
        let oidc = people.oidc.clone().map(|settings| Arc::new(Oidc::new(settings, url)));
        let ways = RwLock::new(Arc::new(Ways { admin: Admin::new(admin), people, oidc }));
        Ok(Self { store, tokens, sessions, known: people::Known::default(), own, url: url.to_owned(), ways })
    }

    /// From now on as these settings say. Whoever is on the way at an issuer that stays may come back. `admin`: another administrator's token.
    pub fn set(&self, admin: Option<&AdminToken>, people: &People) {
        let before = self.ways();
        let admin = admin.map_or_else(|| before.admin.clone(), Admin::new);
        let oidc = people.oidc.as_ref().map(|settings| match &before.oidc {
            Some(known) => known.with(settings),
            None => Arc::new(Oidc::new(settings.clone(), &self.url)),
        });
        let ways = Arc::new(Ways { admin, people: people.clone(), oidc });
        *self.ways.write().unwrap_or_else(PoisonError::into_inner) = ways;
    }

    /// What the settings say at this moment.
    fn ways(&self) -> Arc<Ways> {
        Arc::clone(&self.ways.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The ways in of a test: whoever has this token.
    #[cfg(test)]
    pub async fn for_tests(store: &Store, token: &str) -> std::sync::Arc<Self> {
        let admin = AdminToken::parse(token).unwrap();
        let own = OwnOrigin::new(None, "http://127.0.0.1");
        std::sync::Arc::new(Self::load(store.clone(), &admin, People::default(), (own, "http://127.0.0.1")).await.unwrap())
    }

    /// How long a session that begins now lasts, in seconds.
    pub fn session_life(&self) -> i64 {
        self.ways().people.sessions.life / 1_000_000
    }

    /// Where our own pages come from.
    pub fn own(&self) -> &OwnOrigin {
        &self.own
    }

    /// Who a request is from.
    pub async fn of(&self, visit: Visit<'_>) -> Result<Principal, Unknown> {
        let claimed = headers::claimed(visit.headers)?;
        if let Some(token) = visit.bearer {
            return self.bearer(token).ok_or(Unknown::BadToken);
        }
        let ways = self.ways();
        let believed = |peer| ways.people.trusted_proxies.as_ref().is_some_and(|proxies| proxies.contain(peer));
        match claimed {
            Some(claimed) if visit.peer.is_some_and(believed) => return self.named_by_proxy(claimed, visit).await,
            Some(claimed) => {
                tracing::warn!(peer = ?visit.peer, name = claimed.name, "somebody who is no trusted proxy says who somebody is");
                return Err(Unknown::Untrusted);
            }
            None => {}
        }
        let secret = browser::cookie(visit.headers, self.own.cookie()).ok_or(Unknown::Nobody)?;
        let mut principal = self.in_session(secret).ok_or(Unknown::Ended)?;
        let csrf = browser::csrf_token(secret);
        browser::check(&self.own, visit.method, visit.headers, &csrf)?;
        principal.csrf = Some(csrf);
        Ok(principal)
    }

    /// Refuses headers that nobody should send, on any route.
    pub fn check_headers(headers: &HeaderMap) -> Result<(), BadHeaders> {
        headers::claimed(headers).map(drop)
    }

    fn bearer(&self, token: &str) -> Option<Principal> {
        if self.ways().admin.is(token) {
            return Some(Principal::admin());
        }
        self.tokens.find(token, clock::now()).map(Principal::token)
    }

    async fn named_by_proxy(&self, claimed: Claimed, visit: Visit<'_>) -> Result<Principal, Unknown> {
        let ways = self.ways();
        let csrf = browser::csrf_token(&format!("{}:{}", ways.admin.key("proxy"), claimed.name));
        browser::check(&self.own, visit.method, visit.headers, &csrf)?;
        self.see(PROXY, &claimed.name, &claimed).await?;
        let principal = Principal::person(claimed, &ways.people.role_groups, Means::Proxy);
        Ok(Principal { csrf: Some(csrf), ..principal })
    }

    fn in_session(&self, secret: &str) -> Option<Principal> {
        let now = clock::now();
        match self.sessions.find(secret, now, self.ways().people.sessions.idle)? {
            Holder::Admin { hash } => (hash == self.ways().admin.key("session")).then(Principal::admin),
            Holder::Token { id } => self.tokens.get(id, now).map(Principal::token),
            Holder::Person { name, display_name, email, groups } => {
                let claimed = Claimed { name, display_name, email, groups };
                Some(Principal::person(claimed, &self.ways().people.role_groups, Means::Oidc))
            }
        }
    }

    /// Notes a person; a name belongs to the subject of a provider that had it first.
    async fn see(&self, provider: &str, subject: &str, claimed: &Claimed) -> Result<(), Unknown> {
        let now = clock::now();
        let user = User {
            name: claimed.name.clone(),
            provider: provider.to_owned(),
            subject: subject.to_owned(),
            display_name: claimed.display_name.clone(),
            email: claimed.email.clone(),
            groups: claimed.groups.clone(),
            first_seen_at: now,
            last_seen_at: now,
        };
        match self.known.see(&self.store, user).await? {
            Seen::Theirs => Ok(()),
            Seen::NameTaken => Err(Unknown::NameTaken(claimed.name.clone())),
        }
    }

    /// Begins a session for whoever has a token. Answers who that is, and the session's secret, which is told once.
    pub async fn sign_in(&self, token: &str) -> Result<(Principal, String), Unknown> {
        let principal = self.bearer(token).ok_or(Unknown::BadToken)?;
        let holder = match principal.means {
            Means::ApiToken(id) => Holder::Token { id },
            _ => Holder::Admin { hash: self.ways().admin.key("session") },
        };
        Ok((principal, self.begin(holder).await?))
    }

    /// Ends what was begun at the issuer: begins a session for the person for whom it vouches.
    pub async fn sign_in_at_issuer(&self, answer: &oidc::Answer, headers: &HeaderMap) -> Result<SignedIn, Unknown> {
        let ways = self.ways();
        let oidc = ways.oidc.as_ref().ok_or(Unknown::Nobody)?;
        let (person, back) = oidc.finish(answer, browser::cookie(headers, self.own.state_cookie())).await?;
        let oidc::Person { subject, name, display_name, email, groups } = person;
        let claimed = Claimed { name, display_name, email, groups };
        self.see(oidc.issuer(), &subject, &claimed).await?;
        let principal = Principal::person(claimed.clone(), &ways.people.role_groups, Means::Oidc);
        let Claimed { name, display_name, email, groups } = claimed;
        let secret = self.begin(Holder::Person { name, display_name, email, groups }).await?;
        Ok(SignedIn { principal, secret, back })
    }

    /// The issuer where people sign in.
    pub fn oidc(&self) -> Option<Arc<Oidc>> {
        self.ways().oidc.clone()
    }

    /// Begins a session.
    async fn begin(&self, holder: Holder) -> Result<String, Unknown> {
        let (secret, now) = (secret::random()?, clock::now());
        let row = BrowserSession {
            secret_hash: secret::hash(&secret),
            holder: serde_json::to_value(&holder).unwrap_or_default(),
            created_at: now,
            seen_at: now,
            expires_at: Timestamp(now.0 + self.ways().people.sessions.life),
        };
        self.store.begin_browser_session(&row).await?;
        if let Some(oldest) = self.sessions.put(&row, holder) {
            self.store.end_browser_sessions(&[oldest]).await?;
        }
        Ok(secret)
    }

    /// Ends the session that a request came with.
    pub async fn sign_out(&self, headers: &HeaderMap) -> Result<(), pulse_store::Error> {
        let Some(secret) = browser::cookie(headers, self.own.cookie()) else { return Ok(()) };
        let hash = secret::hash(secret);
        // The database first: whatever happens from here on, it does not come back.
        self.store.end_browser_sessions(std::slice::from_ref(&hash)).await?;
        self.sessions.end(&hash);
        Ok(())
    }

    /// Every token of the API that was ever made, newest first.
    pub fn tokens(&self) -> Vec<ApiToken> {
        self.tokens.list()
    }

    /// Makes a token. Its secret is the caller's to tell.
    pub async fn create_token(&self, token: ApiToken) -> Result<TokenMade, pulse_store::Error> {
        let made = self.store.create_api_token(&token).await?;
        if made == TokenMade::Made {
            self.tokens.put(token);
        }
        Ok(made)
    }

    /// Revokes a token; false where it was so before, or there is none.
    pub async fn revoke_token(&self, id: Uuid, by: &str) -> Result<bool, pulse_store::Error> {
        let now = clock::now();
        let revoked = self.store.revoke_api_token(id, by, now).await?;
        self.tokens.revoke(id, by, now);
        Ok(revoked)
    }

    /// Tells the database of uses, and takes out what has ended.
    pub async fn sweep(&self) -> Result<(), pulse_store::Error> {
        let (tokens, sessions) = (self.tokens.take_uses(), self.sessions.take_uses());
        if !tokens.is_empty() {
            self.store.touch_api_tokens(&tokens).await?;
        }
        if !sessions.is_empty() {
            self.store.touch_browser_sessions(&sessions).await?;
        }
        let ended = self.sessions.take_ended(clock::now(), self.ways().people.sessions.idle);
        if !ended.is_empty() {
            self.store.end_browser_sessions(&ended).await?;
        }
        Ok(())
    }
}
