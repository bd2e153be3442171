//! `Idempotency-Key`: a repeated request is the same execution.

use super::Problem;
use crate::engine::Idempotency;
use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The header.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The routes that take one. A pause that is set twice by the same person is one pause; a token that was made twice is seen in the list,
/// and to tell its value again the controller would have to keep it.
pub(super) const TAKES_KEYS: [&str; 3] = ["/api/v1/executions", "/api/v1/executions/{id}/retry", "/api/v1/commands"];

/// The key that came with a request.
#[derive(Debug, Clone)]
pub(super) struct Key(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut keys = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(key) = keys.next() else { return Ok(Self(None)) };
        let wrong =
            || Problem::bad_request("bad_header", "Idempotency-Key must have 1 to 200 characters of ASCII, and come once");
        let key = key.to_str().ok().filter(|key| (1..=200).contains(&key.len()) && keys.next().is_none());
        Ok(Self(Some(key.ok_or_else(wrong)?.to_owned())))
    }
}

impl Key {
    /// With a digest of what the request means: spaces and the order of keys in a body are no difference.
    pub(super) fn of(self, meant: &Value) -> Option<Idempotency> {
        let body_digest = Sha256::digest(meant.to_string()).iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Idempotency { key: self.0?, body_digest })
    }

    /// The same for what may start nothing.
    pub(super) fn of_start(self, dry_run: bool, meant: &Value) -> Result<Option<Idempotency>, Problem> {
        if dry_run && self.0.is_some() {
            return Err(Problem::bad_request("bad_header", "a dry run starts nothing, so it takes no Idempotency-Key"));
        }
        Ok(self.of(meant))
    }
}
