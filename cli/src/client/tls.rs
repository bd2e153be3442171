//! Https: whom this client trusts, and what it says of a server that it does not.

use crate::failure::Failure;
use std::path::Path;
use std::sync::Arc;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// The authorities of a PEM file and no others, or the machine's.
pub fn config(ca: Option<&Path>) -> Result<TlsConfig, Failure> {
    let roots = match ca {
        Some(path) => authorities(path)?,
        None => rustls_native_certs::load_native_certs().certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect(),
    };
    if roots.is_empty() {
        return Err(Failure::new("this machine knows no certificate authorities")
            .with_help("install ca-certificates, or set --ca or PULSE_CA to the controller's authority (a PEM file)"));
    }
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}

/// Whatever certificate is shown: for what is no secret, or never leaves this machine.
pub fn any() -> TlsConfig {
    TlsConfig::builder()
        .disable_verification(true)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build()
}

fn authorities(path: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let wrong = |why: &str| {
        Failure::new(format!("the certificate authority {} {why}", path.display()))
            .with_help("set --ca or PULSE_CA to a PEM file; a controller with PULSE_TLS=auto gives its own at /ca.pem")
    };
    let text = std::fs::read(path).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    let mut found = Vec::new();
    for item in parse_pem(&text) {
        if let PemItem::Certificate(certificate) = item.map_err(|_| wrong("is no PEM"))? {
            found.push(certificate);
        }
    }
    if found.is_empty() { Err(wrong("holds no certificate")) } else { Ok(found) }
}

/// What TLS says went wrong, if it was TLS.
pub fn wrong(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

/// The same in words. Nothing was sent: a handshake comes before any request.
pub fn failure(base: &str, error: &rustls::Error) -> Failure {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer};
    use rustls::{Error, InvalidMessage};
    let (why, help) = match error {
        Error::InvalidCertificate(UnknownIssuer) => (
            "its certificate is of an authority that is not trusted here".to_owned(),
            "set --ca or PULSE_CA to that authority's certificate, once you know that it is the right one; a controller with \
             PULSE_TLS=auto has it in DATA/tls/authority.pem and gives it at /ca.pem",
        ),
        Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            ("its certificate has ended".to_owned(), "renew it, or set this machine's clock")
        }
        Error::InvalidCertificate(wrong @ (NotValidForName | NotValidForNameContext { .. })) => {
            (format!("its certificate is for another name: {wrong}"), "set --server or PULSE_SERVER to a name that it is for")
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => (
            "it does not speak TLS".to_owned(),
            "is the port right? Without PULSE_TLS or PULSE_TLS_CERT a controller speaks http",
        ),
        other => (other.to_string(), "set --ca or PULSE_CA to the authority of its certificate"),
    };
    Failure::unsent(format!("the server at {base} cannot be trusted: {why}")).with_help(help)
}
