//! Who this agent is: an Ed25519 key, made once and kept with mode 0600, and the mark that a controller has welcomed it, after
//! which the enrolment token is no longer sent.

use crate::folder::{DataDir, write_durably};
use anyhow::{Context, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use pulse_protocol::failpoint::Act;
use std::io::ErrorKind;
use std::path::PathBuf;

/// The agent's key.
pub struct Identity {
    key: SigningKey,
    data: DataDir,
}

impl Identity {
    /// Reads the key, or makes it at the first start.
    pub fn open(data: &DataDir) -> Result<Self> {
        let path = data.root().join("identity.key");
        let seed = match std::fs::read_to_string(&path) {
            Ok(text) => parse(&text).with_context(|| {
                format!("{} is damaged: restore it, or delete it together with `welcomed` and enrol anew", path.display())
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => make(data)?,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        Ok(Self { key: SigningKey::from_bytes(&seed), data: data.clone() })
    }

    /// The public key, base64.
    pub fn public_key(&self) -> String {
        STANDARD.encode(self.key.verifying_key().as_bytes())
    }

    /// The signature over a text, base64.
    pub fn sign(&self, text: &str) -> String {
        STANDARD.encode(self.key.sign(text.as_bytes()).to_bytes())
    }

    /// Whether a controller has taken this key once.
    pub fn is_welcomed(&self) -> bool {
        self.mark().exists()
    }

    /// Remembers that a controller has taken this key.
    pub fn welcome(&self) -> std::io::Result<()> {
        if self.is_welcomed() { Ok(()) } else { write_durably(Act::Welcomed, self.data.root(), "welcomed", b"") }
    }

    fn mark(&self) -> PathBuf {
        self.data.root().join("welcomed")
    }
}

fn make(data: &DataDir) -> Result<[u8; 32]> {
    let mut seed = [0; 32];
    if let Err(error) = getrandom::fill(&mut seed) {
        bail!("the kernel gives no random numbers for a key: {error}");
    }
    let text = format!("{}\n", STANDARD.encode(seed));
    write_durably(Act::Identity, data.root(), "identity.key", text.as_bytes()).context("cannot keep the new key")?;
    Ok(seed)
}

fn parse(text: &str) -> Result<[u8; 32]> {
    let bytes = STANDARD.decode(text.trim())?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| anyhow::anyhow!("a key has 32 bytes, this has {length}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_is_made_once_and_private() {
        let root = tempfile::tempdir().unwrap();
        let data = DataDir::new(root.path());
        let first = Identity::open(&data).unwrap();
        let again = Identity::open(&data).unwrap();
        assert_eq!(first.public_key(), again.public_key());
        let mode = std::fs::metadata(root.path().join("identity.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!again.is_welcomed());
        first.welcome().unwrap();
        assert!(again.is_welcomed());
    }

    #[test]
    fn a_damaged_key_is_refused_and_kept() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("identity.key"), "AAAA").unwrap();
        let error = Identity::open(&DataDir::new(root.path())).err().unwrap();
        assert!(format!("{error:#}").contains("is damaged"), "{error:#}");
        assert_eq!(std::fs::read(root.path().join("identity.key")).unwrap(), b"AAAA");
    }
}
