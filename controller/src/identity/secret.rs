//! Secrets that are made here: random, told once, and kept as their SHA-256.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Every token of the API begins with this, so that people and scanners of leaked secrets know what they found.
pub const TOKEN_PREFIX: &str = "pulse_api_";

/// The system has no random bytes to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system has no random bytes to give")]
pub struct NoRandom;

/// 32 random bytes, in lower-case hex.
pub fn random() -> Result<String, NoRandom> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(hex(&bytes))
}

/// The token of an id and a secret.
pub fn token(id: Uuid, secret: &str) -> String {
    format!("{TOKEN_PREFIX}{}_{secret}", id.as_simple())
}

/// The id that a text says, if it could be a token of the API.
pub fn id_of(token: &str) -> Option<Uuid> {
    token.strip_prefix(TOKEN_PREFIX)?.split_once('_')?.0.parse().ok()
}

/// SHA-256, lower-case hex: what is kept.
pub fn hash(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// Whether two hashes are equal, in a time that does not depend on where they differ.
pub fn is_equal(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
