//! Signatures: whoever has signed a fresh nonce with a key has the key.

use super::handshake::Refusal;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use pulse_protocol::AgentName;
use pulse_protocol::message::{Identify, Rotation, challenge_text, rotation_text};

/// The agent has the key that it came with.
pub(super) fn verify(nonce: &str, identify: &Identify) -> Result<(), Refusal> {
    let text = challenge_text(nonce, &identify.name, identify.incarnation, identify.boot);
    signed(&identify.public_key, &identify.signature, &text)
}

/// It has the one that it wants instead, too, and whoever has the old one wants it.
pub(super) fn verify_rotation(nonce: &str, name: &AgentName, old: &str, rotation: &Rotation) -> Result<(), Refusal> {
    let text = rotation_text(nonce, name, old, &rotation.public_key);
    signed(old, &rotation.by_old, &text)?;
    signed(&rotation.public_key, &rotation.by_new, &text)
}

fn signed(key: &str, signature: &str, text: &str) -> Result<(), Refusal> {
    let invalid = |what: &str| Refusal::new("signature_invalid", format!("the {what} is not valid"));
    let key = STANDARD.decode(key).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let key = key.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok()).ok_or_else(|| invalid("public key"))?;
    let signature = STANDARD.decode(signature).ok().and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let signature = Signature::from_bytes(&signature.ok_or_else(|| invalid("signature"))?);
    key.verify_strict(text.as_bytes(), &signature).map_err(|_| invalid("signature"))
}

#[cfg(test)]
mod tests {
    use super::{STANDARD, verify_rotation};
    use base64::Engine as _;
    use ed25519_dalek::{Signer, SigningKey};
    use pulse_protocol::message::{Rotation, rotation_text};

    #[test]
    fn a_new_key_is_proven_by_both_and_only_for_this_session_and_name() {
        let (old, new, foreign) =
            (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]), SigningKey::from_bytes(&[3; 32]));
        let public = |key: &SigningKey| STANDARD.encode(key.verifying_key().as_bytes());
        let name = "web-1".parse().unwrap();
        let rotation = |nonce: &str, by_old: &SigningKey, by_new: &SigningKey| {
            let text = rotation_text(nonce, &name, &public(&old), &public(&new));
            let sign = |key: &SigningKey| STANDARD.encode(key.sign(text.as_bytes()).to_bytes());
            Rotation { public_key: public(&new), by_old: sign(by_old), by_new: sign(by_new) }
        };
        let judged = |name: &str, rotation: &Rotation| {
            verify_rotation("nonce", &name.parse().unwrap(), &public(&old), rotation).map_err(|refusal| refusal.code)
        };
        let good = rotation("nonce", &old, &new);
        assert_eq!(judged("web-1", &good), Ok(()));
        let refused = Err("signature_invalid");
        assert_eq!(judged("web-2", &good), refused, "said of another name");
        assert_eq!(judged("web-1", &rotation("another", &old, &new)), refused, "said in another session");
        assert_eq!(judged("web-1", &rotation("nonce", &old, &foreign)), refused, "whoever asks does not have the new key");
        assert_eq!(judged("web-1", &rotation("nonce", &foreign, &new)), refused, "whoever asks does not have the old key");
        assert_eq!(judged("web-1", &Rotation { public_key: "x".into(), ..good }), refused);
    }
}
