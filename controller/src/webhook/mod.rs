//! Webhooks: whether a delivery is let in, and what people see of the last one. A delivery that is let in is a hint to look at
//! the sources and nothing more: no part of it is believed, the branch's head decides.
//!
//! ```text
//! headers ─▶ envelope (form) ─▶ intake (body, bounded) ─▶ signature (over the raw bytes) ─▶ hint
//!                 └──────────────────────┴───────────────────────┴─▶ refusal ─▶ ledger ─▶ store, at most once a second
//! ```

mod delivery;
mod envelope;
mod intake;
mod ledger;
mod refusal;
mod signature;

pub use delivery::Delivery;
pub use intake::Intake;
pub use ledger::{Last, LastWebhook, Ledger};
pub use refusal::Refusal;
pub use signature::{Claim, Verifier};

use axum::http::HeaderMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Where Gitea delivers to.
pub const PATH: &str = "/webhooks/gitea";
/// How long a delivery's body may take to arrive: Gitea itself gives up after so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// The way in for webhooks.
pub struct Webhooks {
    verifier: RwLock<Option<Arc<Verifier>>>,
    /// What people see of them.
    pub ledger: Ledger,
    /// Takes the bodies in.
    pub intake: Intake,
}

impl Webhooks {
    /// With the secrets that sign deliveries; without any, every delivery is refused.
    pub fn new(verifier: Option<Verifier>) -> Self {
        Self { verifier: RwLock::new(verifier.map(Arc::new)), ledger: Ledger::default(), intake: Intake::default() }
    }

    /// Whether there is a secret, so that deliveries can be let in.
    pub fn are_on(&self) -> bool {
        self.verifier().is_some()
    }

    /// From now on these secrets; a delivery that is being taken in is judged by those of its beginning.
    pub fn set(&self, verifier: Option<Verifier>) {
        *self.verifier.write().unwrap_or_else(PoisonError::into_inner) = verifier.map(Arc::new);
    }

    fn verifier(&self) -> Option<Arc<Verifier>> {
        self.verifier.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What can be said before the body is read: the signature that its headers claim, and who judges it.
    pub fn open(&self, headers: &HeaderMap) -> Result<(Arc<Verifier>, Claim), Refusal> {
        let verifier = self.verifier().ok_or(Refusal::Off)?;
        envelope::check(headers)?;
        Ok((verifier, Claim::read(headers)?))
    }
}

#[cfg(test)]
mod tests;
