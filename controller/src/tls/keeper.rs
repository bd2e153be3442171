//! Keeps the certificate current without a restart: one of our own is renewed long before it ends, files are read again when they change.

use super::authority::{Authority, CERTIFICATE_LIFE};
use super::{given, validity};
use crate::clock;
use crate::config::Pem;
use pulse_core::Timestamp;
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// A certificate of our own is renewed after so many days: a third of its life.
const RENEWAL: i64 = CERTIFICATE_LIFE / 3;
/// A certificate that ends within so many days is worth a word.
const SOON: i64 = 7;

/// Where certificates come from.
pub(super) enum Keeper {
    /// Our own authority makes them.
    Issuing { authority: Box<Authority>, names: Vec<String>, made: Timestamp },
    /// Somebody puts them there. `refused`: what was read last and cannot be used, so that it is told once.
    Reading { certificate: Pem, key: Pem, known: given::Written, refused: Option<String> },
}

impl Keeper {
    /// By our own authority, for these names.
    pub(super) fn issuing(authority: Authority, names: Vec<String>) -> anyhow::Result<(Self, Arc<CertifiedKey>)> {
        let made = clock::now();
        let certified = authority.certify(&names, made)?;
        Ok((Self::Issuing { authority: Box::new(authority), names, made }, certified))
    }

    /// From where the settings say.
    pub(super) fn reading(certificate: &Pem, key: &Pem) -> Result<(Self, Arc<CertifiedKey>), String> {
        let known = given::read(certificate, key)?;
        let certified = given::certified(certificate, key, &known)?;
        say_validity(certificate, &certified);
        let (certificate, key) = (certificate.clone(), key.clone());
        Ok((Self::Reading { certificate, key, known, refused: None }, certified))
    }

    /// Whether it reads just there.
    pub(super) fn reads(&self, wanted: &Pem, its_key: &Pem) -> bool {
        matches!(self, Self::Reading { certificate, key, .. } if certificate == wanted && key == its_key)
    }

    /// What was read last, where it is read.
    pub(super) fn known(&self) -> Option<&given::Written> {
        if let Self::Reading { known, .. } = self { Some(known) } else { None }
    }

    /// A certificate to use from now on, if there is a new one.
    pub(super) fn look(&mut self, now: Timestamp) -> Option<Arc<CertifiedKey>> {
        match self {
            Self::Issuing { authority, names, made } => {
                if !is_due(*made, now) {
                    return None;
                }
                let renewed = authority.certify(names, now);
                let renewed =
                    renewed.inspect_err(|error| tracing::error!(%error, "the certificate cannot be renewed; trying again"));
                renewed.ok().inspect(|_| {
                    *made = now;
                    tracing::info!("the certificate for TLS was renewed");
                })
            }
            Self::Reading { certificate, key, known, refused } => reread(certificate, key, known, refused),
        }
    }
}

/// A clock that went back asks for a new one, too: the old one may not be valid yet.
const fn is_due(made: Timestamp, now: Timestamp) -> bool {
    let age = now.0.saturating_sub(made.0);
    age > RENEWAL * 86_400_000_000 || age < 0
}

/// Certificate and key may be put there one after the other: what does not fit yet is looked at again, and the old one stays in use.
fn reread(certificate: &Pem, key: &Pem, known: &mut given::Written, refused: &mut Option<String>) -> Option<Arc<CertifiedKey>> {
    let written = given::read(certificate, key);
    if written.as_ref().is_ok_and(|written| written == known) {
        *refused = None;
        return None;
    }
    let usable = written.and_then(|written| given::certified(certificate, key, &written).map(|certified| (written, certified)));
    match usable {
        Ok((written, certified)) => {
            (*known, *refused) = (written, None);
            tracing::info!("{} was read again", certificate.place);
            say_validity(certificate, &certified);
            Some(certified)
        }
        Err(why) => {
            if refused.as_ref() != Some(&why) {
                tracing::warn!("{why}; the certificate that was read before stays in use");
                *refused = Some(why);
            }
            None
        }
    }
}

fn say_validity(certificate: &Pem, certified: &CertifiedKey) {
    let what = format!("the certificate of {}", certificate.place);
    if let Some(warning) = certified.cert.first().and_then(|der| validity::warning(&what, der, SOON, clock::now())) {
        tracing::warn!("{warning}");
    }
}
