//! Who this agent is: an Ed25519 key, made once and kept with mode 0600, and the mark that a controller has welcomed it, after
//! which the enrolment token is no longer sent. Where the token named the controller's authority, the mark holds its certificate.

use crate::folder::{DataDir, write_durably};
use anyhow::{Context, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use pulse_protocol::failpoint::Act;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
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

    /// The authority of the controller that has taken this key, where it was known by its fingerprint.
    pub fn welcomed_by(&self) -> Result<Option<CertificateDer<'static>>> {
        let text = match std::fs::read(self.mark()) {
            Ok(text) if !text.is_empty() => text,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", self.mark().display())),
        };
        let authority = CertificateDer::from_pem_slice(&text);
        authority.map(Some).with_context(|| format!("{} is damaged: restore it, or set PULSE_CA", self.mark().display()))
    }

    /// Remembers that a controller has taken this key, and whom to trust from now on.
    pub fn welcome(&self, authority: Option<&CertificateDer<'_>>) -> std::io::Result<()> {
        if self.is_welcomed() {
            return Ok(());
        }
        let text = authority.map(pem).unwrap_or_default();
        write_durably(Act::Welcomed, self.data.root(), "welcomed", text.as_bytes())
    }

    fn mark(&self) -> PathBuf {
        self.data.root().join("welcomed")
    }
}

/// A certificate as people and their tools read it.
fn pem(certificate: &CertificateDer<'_>) -> String {
    let text = STANDARD.encode(certificate);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
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
        first.welcome(None).unwrap();
        assert!(again.is_welcomed());
        assert_eq!(again.welcomed_by().unwrap(), None);
    }

    #[test]
    fn the_authority_that_welcomed_it_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let identity = Identity::open(&DataDir::new(root.path())).unwrap();
        assert_eq!(identity.welcomed_by().unwrap(), None);
        let authority = CertificateDer::from(vec![7; 100]);
        identity.welcome(Some(&authority)).unwrap();
        assert_eq!(identity.welcomed_by().unwrap(), Some(authority));
        std::fs::write(root.path().join("welcomed"), "-----BEGIN").unwrap();
        assert!(format!("{:#}", identity.welcomed_by().unwrap_err()).contains("set PULSE_CA"));
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
