//! Who this agent is: an Ed25519 key, made once and kept with mode 0600, and the mark that a controller has welcomed it, after
//! which the enrolment token is no longer sent. Where the token named the controller's authority, the mark holds its certificate.

use crate::folder::{DataDir, write_durably};
use anyhow::{Context, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use pulse_protocol::AgentName;
use pulse_protocol::failpoint::Act;
use pulse_protocol::message::{Rotation, rotation_text};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The key, and the one that shall take its place.
const KEY: &str = "identity.key";
const NEXT: &str = "identity.next";

/// The agent's key.
pub struct Identity {
    key: Mutex<SigningKey>,
    data: DataDir,
}

impl Identity {
    /// Reads the key, or makes it at the first start.
    pub fn open(data: &DataDir) -> Result<Self> {
        let path = data.root().join(KEY);
        let seed = match std::fs::read_to_string(&path) {
            Ok(text) => parse(&text).with_context(|| {
                format!("{} is damaged: restore it, or delete it together with `welcomed` and enrol anew", path.display())
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => make(data, KEY)?,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        Ok(Self { key: Mutex::new(SigningKey::from_bytes(&seed)), data: data.clone() })
    }

    /// The public key, base64.
    pub fn public_key(&self) -> String {
        public(&self.key())
    }

    /// The signature over a text, base64.
    pub fn sign(&self, text: &str) -> String {
        sign(&self.key(), text)
    }

    fn key(&self) -> SigningKey {
        self.key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether another key waits to take this one's place.
    pub fn has_next(&self) -> bool {
        waits(&self.data)
    }

    /// What proves that another key shall take this one's place, if one waits.
    pub fn rotation(&self, nonce: &str, name: &AgentName) -> Result<Option<Rotation>> {
        let Some(next) = self.next()? else { return Ok(None) };
        let (old, new) = (self.public_key(), public(&next));
        let text = rotation_text(nonce, name, &old, &new);
        Ok(Some(Rotation { by_old: self.sign(&text), by_new: sign(&next, &text), public_key: new }))
    }

    fn next(&self) -> Result<Option<SigningKey>> {
        let path = self.data.root().join(NEXT);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let seed = parse(&text).with_context(|| format!("{} is damaged: delete it, and make another", path.display()))?;
        // A crash came between taking its place and going: there is nothing left to prove.
        let next = Some(SigningKey::from_bytes(&seed)).filter(|next| public(next) != self.public_key());
        if next.is_none() {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(next)
    }

    /// The controller has taken the other key: from now on it is the only one.
    pub fn exchange(&self) -> Result<()> {
        let Some(next) = self.next()? else { return Ok(()) };
        keep(&self.data, KEY, &next.to_bytes())?;
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = next;
        std::fs::remove_file(self.data.root().join(NEXT)).context("cannot remove the place of the new key")
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

/// Makes another key in this data folder, for its agent to prove. What waits already stays. It belongs to whom the key belongs.
pub fn make_next(data: &DataDir) -> Result<()> {
    let (key, next) = (data.root().join(KEY), data.root().join(NEXT));
    let owner = std::fs::metadata(&key)
        .with_context(|| format!("no agent has made its key in {} yet (PULSE_AGENT_DATA_DIR)", data.root().display()))?;
    if !next.exists() {
        make(data, NEXT)?;
    }
    std::os::unix::fs::chown(&next, Some(owner.uid()), Some(owner.gid())).context("cannot give the new key to the agent's user")
}

/// Whether a key waits there to be proven.
pub fn waits(data: &DataDir) -> bool {
    data.root().join(NEXT).exists()
}

fn public(key: &SigningKey) -> String {
    STANDARD.encode(key.verifying_key().as_bytes())
}

fn sign(key: &SigningKey, text: &str) -> String {
    STANDARD.encode(key.sign(text.as_bytes()).to_bytes())
}

fn make(data: &DataDir, name: &str) -> Result<[u8; 32]> {
    let mut seed = [0; 32];
    if let Err(error) = getrandom::fill(&mut seed) {
        bail!("the kernel gives no random numbers for a key: {error}");
    }
    keep(data, name, &seed)?;
    Ok(seed)
}

fn keep(data: &DataDir, name: &str, seed: &[u8; 32]) -> Result<()> {
    let text = format!("{}\n", STANDARD.encode(seed));
    write_durably(Act::Identity, data.root(), name, text.as_bytes()).context("cannot keep the new key")
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
    fn another_key_takes_its_place_once_it_is_told_to() {
        let root = tempfile::tempdir().unwrap();
        let data = DataDir::new(root.path());
        assert!(format!("{:#}", make_next(&data).unwrap_err()).contains("no agent has made its key"));
        let identity = Identity::open(&data).unwrap();
        let (old, name) = (identity.public_key(), "a1".parse().unwrap());
        assert!(!identity.has_next() && identity.rotation("n", &name).unwrap().is_none());
        make_next(&data).unwrap();
        let mode = std::fs::metadata(root.path().join(NEXT)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let rotation = identity.rotation("n", &name).unwrap().unwrap();
        make_next(&data).unwrap();
        assert_eq!(identity.rotation("n", &name).unwrap().unwrap(), rotation, "one at a time");
        assert_eq!(identity.public_key(), old, "until the controller has taken it, nothing changes");
        // A crash after the new key took the place, before the file went.
        std::fs::copy(root.path().join(NEXT), root.path().join(KEY)).unwrap();
        let crashed = Identity::open(&data).unwrap();
        assert!(crashed.public_key() == rotation.public_key && crashed.rotation("n", &name).unwrap().is_none());
        assert!(!crashed.has_next());
        make_next(&data).unwrap();
        crashed.exchange().unwrap();
        assert!(!crashed.has_next() && crashed.public_key() != rotation.public_key);
        assert_eq!(Identity::open(&data).unwrap().public_key(), crashed.public_key());
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
