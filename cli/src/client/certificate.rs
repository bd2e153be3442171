//! Until when the server's certificate is valid: a handshake of its own, by the same authorities, in which nothing is asked.

use crate::failure::Failure;
use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};

const PATIENCE: Duration = Duration::from_secs(5);

/// The end of its validity.
pub fn end(base: &str, tls: &TlsConfig) -> Result<Timestamp, Failure> {
    let failed = |why: &dyn std::fmt::Display| Failure::passing(format!("the certificate of {base} cannot be looked at: {why}"));
    let uri: Uri = base.parse().map_err(|error| failed(&error))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host.clone()).map_err(|error| failed(&error))?;
    let mut session =
        ClientConnection::new(Arc::new(config(tls).map_err(|error| failed(&error))?), name).map_err(|error| failed(&error))?;
    let addresses = (host.as_str(), uri.port_u16().unwrap_or(443)).to_socket_addrs().map_err(|error| failed(&error))?;
    let mut stream = connect(addresses).map_err(|error| failed(&error))?;
    while session.is_handshaking() {
        session.complete_io(&mut stream).map_err(|error| failed(&error))?;
    }
    let own = session.peer_certificates().and_then(<[CertificateDer<'_>]>::first).ok_or_else(|| failed(&"it shows none"))?;
    let (_, parsed) = x509_parser::parse_x509_certificate(own).map_err(|error| failed(&error))?;
    Timestamp::from_second(parsed.validity().not_after.timestamp()).map_err(|error| failed(&error))
}

fn config(tls: &TlsConfig) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    if let RootCerts::Specific(trusted) = tls.root_certs() {
        roots.add_parsable_certificates(trusted.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn connect(addresses: impl Iterator<Item = std::net::SocketAddr>) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
