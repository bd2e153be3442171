//! A certificate that somebody else looks after. What is wrong with it names the setting and the mend.

use crate::config::{Pem, PemSource};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::io::Read;
use std::sync::Arc;

/// Most bytes of a file.
const MAX_BYTES: u64 = 1024 * 1024;

/// A certificate and its key, as they are written.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Written {
    certificate: String,
    key: String,
}

/// Reads both.
pub(super) fn read(certificate: &Pem, key: &Pem) -> Result<Written, String> {
    Ok(Written { certificate: text(certificate)?, key: text(key)? })
}

fn text(pem: &Pem) -> Result<String, String> {
    let path = match &pem.source {
        PemSource::Text(text) => return Ok(text.reveal().to_owned()),
        PemSource::File(path) => path,
    };
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    read.map(|_| text).map_err(|error| {
        format!(
            "{}: cannot read {}: {error}; give the path of a PEM file that pulse-controller may read",
            pem.place,
            path.display()
        )
    })
}

/// What a server needs of them.
pub(super) fn certified(certificate: &Pem, key: &Pem, written: &Written) -> Result<Arc<CertifiedKey>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(written.certificate.as_bytes()).collect();
    let chain = chain.map_err(|error| format!("{} is no PEM: {error}", of(certificate)))?;
    if chain.is_empty() {
        return Err(format!("{} holds no certificate (-----BEGIN CERTIFICATE-----)", of(certificate)));
    }
    if written.key.contains("ENCRYPTED") {
        return Err(format!("{} is encrypted; decrypt it (openssl pkey -in FILE -out NEW) and keep it with mode 0600", of(key)));
    }
    let private = PrivateKeyDer::from_pem_slice(written.key.as_bytes())
        .map_err(|_| format!("{} holds no private key (-----BEGIN PRIVATE KEY-----)", of(key)))?;
    let provider = rustls::crypto::ring::default_provider();
    let certified = CertifiedKey::from_der(chain, private, &provider);
    certified.map(Arc::new).map_err(|error| unusable(certificate, key, &error))
}

fn unusable(certificate: &Pem, key: &Pem, error: &rustls::Error) -> String {
    match error {
        rustls::Error::InconsistentKeys(_) => format!(
            "{} is not the key of the first certificate in {}; put the server's own certificate first, and give its key",
            of(key),
            of(certificate)
        ),
        error => format!("{} and {} cannot be used: {error}", of(certificate), of(key)),
    }
}

/// The setting, and the file where there is one.
fn of(pem: &Pem) -> String {
    match &pem.source {
        PemSource::File(path) => format!("{}: {}", pem.place, path.display()),
        PemSource::Text(_) => pem.place.clone(),
    }
}
