//! Signatures: HMAC-SHA256 over the raw bytes of the body, as Gitea and its kin send it. Comparing takes the same time whatever
//! is compared, and every secret is asked, so that neither a signature nor which secret is live shows in the answer's time.

use super::Refusal;
use crate::config::WebhookSecrets;
use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// Gitea's own: 64 lowercase hex digits.
const GITEA: &str = "x-gitea-signature";
/// The same in GitHub's form: `sha256=` and 64 lowercase hex digits.
const HUB: &str = "x-hub-signature-256";
/// GitHub's old form, SHA-1, which proves nothing any more.
const HUB_SHA1: &str = "x-hub-signature";

/// The signature that a delivery's headers claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim([u8; 32]);

impl Claim {
    /// The one signature of the headers: in either header or in both, but then the same one.
    pub fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let gitea = single(headers, GITEA)?;
        let hub = match single(headers, HUB)? {
            Some(value) => Some(value.strip_prefix(b"sha256=").ok_or(Refusal::MalformedSignature)?),
            None => None,
        };
        match (gitea, hub) {
            (None, None) if headers.get(HUB_SHA1).is_some_and(|value| !value.is_empty()) => Err(Refusal::OnlySha1),
            // Without a secret Gitea sends both headers with nothing in them.
            (None, None) | (Some(b""), _) | (_, Some(b"")) => Err(Refusal::Unsigned),
            (Some(one), Some(other)) if one != other => Err(Refusal::MalformedSignature),
            (Some(hex), _) | (None, Some(hex)) => digest(hex).map(Self).ok_or(Refusal::MalformedSignature),
        }
    }
}

/// The value of a header that may come at most once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a [u8]>, Refusal> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(|value| value.as_bytes())),
        (_, Some(_)) => Err(Refusal::MalformedSignature),
    }
}

/// The bytes of exactly 64 lowercase hex digits.
fn digest(hex: &[u8]) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = hex.as_chunks::<2>();
    let pairs: &[[u8; 2]; 32] = pairs.try_into().ok().filter(|_| rest.is_empty())?;
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

/// Judges signatures by the secrets that are live.
pub struct Verifier {
    /// The keyed state of each secret.
    keys: Vec<Hmac<Sha256>>,
}

impl Verifier {
    /// By these secrets.
    pub fn new(secrets: &WebhookSecrets) -> Self {
        // HMAC takes keys of any length, so that none is ever dropped here.
        let keys = secrets.iter().filter_map(|secret| Hmac::new_from_slice(secret.reveal().as_bytes()).ok());
        Self { keys: keys.collect() }
    }

    /// Whether one of the secrets signed this body so.
    pub fn holds(&self, claim: &Claim, body: &[u8]) -> bool {
        let judge = |holds: Choice, key: &Hmac<Sha256>| {
            let mut mac = key.clone();
            mac.update(body);
            let signature: [u8; 32] = mac.finalize().into_bytes().into();
            holds | signature.ct_eq(&claim.0)
        };
        self.keys.iter().fold(Choice::from(0), judge).into()
    }
}
