//! Whom the agent takes for its controller over https: whoever shows a certificate of exactly one of these, the first that there is:
//! the authorities of PULSE_CA, the authority that welcomed it, the one whose fingerprint its token carries, the machine's. Nobody is
//! trusted because he was the first.

use anyhow::{Context, Result, bail};
use pulse_protocol::token::Fingerprint;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Whom to trust.
#[derive(Debug, PartialEq, Eq)]
pub enum Trust {
    /// These authorities and no others.
    Only(Vec<CertificateDer<'static>>),
    /// The authority of this fingerprint, which the controller shows in its chain.
    Pinned(Fingerprint),
    /// The authorities that the machine knows.
    Machine,
}

/// The authority that was found by its fingerprint, once it was.
pub type Found = Arc<Mutex<Option<CertificateDer<'static>>>>;

/// The authorities of a PEM file.
pub fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let place = || format!("PULSE_CA {} cannot be read", path.display());
    let text = std::fs::read(path).with_context(place)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let certificates = certificates.with_context(|| format!("PULSE_CA {} is no PEM", path.display()))?;
    if certificates.is_empty() {
        bail!("PULSE_CA {} holds no certificate (-----BEGIN CERTIFICATE-----)", path.display());
    }
    Ok(certificates)
}

impl Trust {
    /// The first that there is.
    pub fn choose(ca: Option<&Path>, welcomed_by: Option<CertificateDer<'static>>, token: Option<Fingerprint>) -> Result<Self> {
        Ok(match (ca, welcomed_by, token) {
            (Some(path), ..) => Self::Only(authorities(path)?),
            (None, Some(authority), _) => Self::Only(vec![authority]),
            (None, None, Some(fingerprint)) => Self::Pinned(fingerprint),
            (None, None, None) => Self::Machine,
        })
    }

    /// A client that trusts nobody else, and where it puts the authority that it found.
    pub fn client(self) -> Result<(ClientConfig, Found)> {
        let (provider, found) = (Arc::new(ring::default_provider()), Found::default());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let roots = match self {
            Self::Pinned(fingerprint) => {
                let pin = Pin { fingerprint, provider, found: Arc::clone(&found) };
                let client = builder.dangerous().with_custom_certificate_verifier(Arc::new(pin));
                return Ok((client.with_no_client_auth(), found));
            }
            Self::Only(roots) => roots,
            Self::Machine => rustls_native_certs::load_native_certs().certs,
        };
        let mut store = RootCertStore::empty();
        let (known, _) = store.add_parsable_certificates(roots);
        if known == 0 {
            bail!(
                "no usable certificate authority is known: install ca-certificates, or set PULSE_CA to the controller's (a PEM file)"
            );
        }
        Ok((builder.with_root_certificates(store).with_no_client_auth(), found))
    }
}

/// The controller has not shown the authority that it must have.
#[derive(Debug, thiserror::Error)]
#[error(
    "it did not show the authority whose fingerprint the enrolment token carries. Is PULSE_SERVER the controller that made the token, \
     and does no proxy end TLS before it? Make a new token there (`pulse agents token`) if its authority is a new one"
)]
pub struct NotTheTokens;

/// Looks for the authority in the chain, and has the chain judged by it alone, as usual: names and times count.
#[derive(Debug)]
struct Pin {
    fingerprint: Fingerprint,
    provider: Arc<CryptoProvider>,
    found: Found,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let is_it = |der: &&CertificateDer<'_>| <[u8; 32]>::from(Sha256::digest(der)) == self.fingerprint.0;
        let authority = intermediates.iter().find(is_it).map(|der| der.clone().into_owned());
        let missing = || Error::from(CertificateError::Other(OtherError(Arc::new(NotTheTokens))));
        let authority = authority.ok_or_else(missing)?;
        let mut store = RootCertStore::empty();
        store.add(authority.clone())?;
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&self.provider)).build();
        let usual = usual.map_err(|error| Error::General(error.to_string()))?;
        let verified = usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(authority);
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
