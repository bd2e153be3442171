//! Enrolment tokens as text. One of a controller that has an authority of its own carries the fingerprint of that authority's
//! certificate, so that an agent with nothing but its token knows whom to trust.

use std::fmt;
use std::str::FromStr;

/// Every token begins with this, so that people and scanners of leaked secrets know what they found.
pub const PREFIX: &str = "pulse_enrol_";
/// What stands before the fingerprint.
const MARK: &str = "_ca_";

/// The SHA-256 of a certificate (its DER).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint has 64 hexadecimal digits; was the token cut short?")]
pub struct FingerprintError;

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(FingerprintError);
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).map_err(|_| FingerprintError)?;
        }
        Ok(Self(bytes))
    }
}

/// A token of this id and secret, both hexadecimal.
pub fn compose(id: &str, secret: &str, authority: Option<Fingerprint>) -> String {
    let authority = authority.map_or_else(String::new, |fingerprint| format!("{MARK}{fingerprint}"));
    format!("{PREFIX}{id}_{secret}{authority}")
}

/// The authority that a token names, if it does.
pub fn authority_of(token: &str) -> Result<Option<Fingerprint>, FingerprintError> {
    token.split_once(MARK).map(|(_, fingerprint)| fingerprint.parse()).transpose()
}

#[cfg(test)]
mod tests {
    use super::{Fingerprint, authority_of, compose};

    #[test]
    fn a_token_carries_its_authority() {
        let fingerprint = Fingerprint([0xca; 32]);
        let token = compose("00ff", "12ab", Some(fingerprint));
        assert_eq!(token, format!("pulse_enrol_00ff_12ab_ca_{}", "ca".repeat(32)));
        assert_eq!(authority_of(&token), Ok(Some(fingerprint)));
        assert_eq!(authority_of(&compose("00ff", "12ab", None)), Ok(None));
    }

    #[test]
    fn a_token_that_was_cut_short_trusts_nobody() {
        let token = compose("00ff", "12ab", Some(Fingerprint([7; 32])));
        for wrong in [&token[..token.len() - 1], &format!("{token}0"), &token.replace("07", "0é"), "a_ca_", "a_ca_b_ca_c"] {
            assert!(authority_of(wrong).is_err(), "{wrong}");
        }
    }
}
