//! Enrolment tokens as text. Only their hash is kept.

use sha2::{Digest, Sha256};

/// SHA-256 of a whole token, lower-case hex: what the store keeps.
pub fn hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
