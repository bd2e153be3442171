//! An authority of our own: made at the first start, kept in the data folder, its key readable by nobody else. Whoever has the key can
//! pass for this controller.

use super::{Trust, validity};
use crate::{admin, clock};
use anyhow::{Context, bail};
use pulse_core::Timestamp;
use pulse_protocol::token::Fingerprint;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use time::OffsetDateTime;

/// The files in its folder.
const CERTIFICATE: &str = "authority.pem";
const KEY: &str = "authority.key";
/// How long the authority is valid, in days. Agents trust it by its fingerprint, so that a new one is a new fleet's.
const LIFE: i64 = 3650;
/// How long a certificate of it is valid, in days.
pub(super) const CERTIFICATE_LIFE: i64 = 90;
/// Clocks differ: what is made now is valid since an hour ago.
const SLACK: i64 = 3600;
const DAY: i64 = 86_400;

/// An authority, with its key.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    pem: Arc<str>,
}

impl Authority {
    /// The one of this folder; a new one where there is none.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let (certificate, key) = (read(&folder.join(CERTIFICATE))?, read(&folder.join(KEY))?);
        let key = match key {
            Some(text) => parse(folder, &text)?,
            None if certificate.is_some() => bail!(
                "{} is missing beside {CERTIFICATE}: restore it from a backup; or remove {CERTIFICATE}, and a new authority is made, \
                 which no agent trusts until it is replaced (`pulse agents replace`)",
                folder.join(KEY).display()
            ),
            None => make_key(folder)?,
        };
        let pem = match certificate {
            Some(pem) => pem,
            None => make_certificate(folder, &key)?,
        };
        let damaged = || format!("{} is damaged: restore it from a backup", folder.join(CERTIFICATE).display());
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(anyhow::Error::from).with_context(damaged)?;
        let issuer = Issuer::from_ca_cert_der(&der, key).with_context(damaged)?;
        if let Some(warning) = validity::warning("the authority of PULSE_TLS=auto", &der, 365, clock::now()) {
            tracing::warn!("{warning}");
        }
        Ok(Self { issuer, der, pem: pem.into() })
    }

    /// What others need to trust it.
    pub(super) fn trust(&self) -> Trust {
        Trust { pem: Arc::clone(&self.pem), fingerprint: Fingerprint(Sha256::digest(&self.der).into()) }
    }

    /// A certificate for a server of these names, with a key of its own. Its chain ends with the authority, so that an agent that knows
    /// only the fingerprint finds it there.
    pub(super) fn certify(&self, names: &[String], now: Timestamp) -> anyhow::Result<Arc<CertifiedKey>> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "pulse-controller");
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        (params.not_before, params.not_after) = span(now, CERTIFICATE_LIFE)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let chain = vec![certificate.der().clone(), self.der.clone()];
        let private = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        Ok(Arc::new(CertifiedKey::from_der(chain, private, &rustls::crypto::ring::default_provider())?))
    }
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn parse(folder: &Path, text: &str) -> anyhow::Result<KeyPair> {
    let path = folder.join(KEY);
    let mode = fs::metadata(&path)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("{} can be read by others (mode {:03o}); make it private: chmod 600 {0}", path.display(), mode & 0o777);
    }
    KeyPair::from_pem(text).with_context(|| format!("{} is damaged: restore it from a backup", path.display()))
}

/// The key before the certificate: a crash between the two leaves a key that nobody knows of yet, and the next start goes on from it.
fn make_key(folder: &Path) -> anyhow::Result<KeyPair> {
    admin::make_folder(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    write(folder, KEY, &key.serialize_pem())?;
    Ok(key)
}

fn make_certificate(folder: &Path, key: &KeyPair) -> anyhow::Result<String> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let own = Fingerprint(Sha256::digest(key.public_key_raw()).into()).to_string();
    let mut params = CertificateParams::new(Vec::new())?;
    // Told apart by people and machines: two authorities never have one name.
    params.distinguished_name.push(DnType::CommonName, format!("PULSE authority of {host} {}", &own[..16]));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = span(clock::now(), LIFE)?;
    let pem = params.self_signed(key)?.pem();
    write(folder, CERTIFICATE, &pem)?;
    tracing::info!(file = %folder.join(CERTIFICATE).display(), "made an authority for TLS");
    Ok(pem)
}

fn write(folder: &Path, file: &str, text: &str) -> anyhow::Result<()> {
    admin::write_private(folder, file, text).with_context(|| format!("cannot write {}", folder.join(file).display()))
}

fn span(now: Timestamp, days: i64) -> anyhow::Result<(OffsetDateTime, OffsetDateTime)> {
    let second = now.0 / 1_000_000;
    let at = |second: i64| OffsetDateTime::from_unix_timestamp(second).context("the clock is far off");
    Ok((at(second - SLACK)?, at(second + days * DAY)?))
}
