//! The administrator's token.

use crate::config::AdminToken;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The administrator's token, as far as it has to be known: its SHA-256.
#[derive(Clone)]
pub struct Admin {
    hash: [u8; 32],
}

impl Admin {
    /// Lets in who has this token.
    pub fn new(token: &AdminToken) -> Self {
        Self { hash: Sha256::digest(token.0.reveal()).into() }
    }

    /// What tells this token from another, for one purpose, and tells nothing of it.
    pub(super) fn key(&self, purpose: &str) -> String {
        super::secret::hash(&format!("{purpose}:{:x?}", self.hash))
    }

    /// Hashes are compared, in constant time, so that neither length nor content of the token shows in the answer's time.
    pub(super) fn is(&self, token: &str) -> bool {
        let hash: [u8; 32] = Sha256::digest(token).into();
        hash.ct_eq(&self.hash).into()
    }
}
