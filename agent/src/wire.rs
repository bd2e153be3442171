//! The bytes' way to the controller: TCP, and TLS over it where the address says https. What goes wrong says what to do; nothing ever
//! falls back to plain.

use crate::config::Server;
use crate::trust::NotTheTokens;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, Error, InvalidMessage};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Bytes both ways.
pub trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Bytes for T {}

/// A connection.
pub type Wire = Box<dyn Bytes>;

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum NoWire {
    /// Nobody answers.
    #[error("cannot reach the controller: {0}")]
    Unreachable(#[from] io::Error),
    /// Whoever answers is not known to be the controller.
    #[error("{0}")]
    Untrusted(String),
}

/// Connects; a client where the address says https.
pub async fn connect(server: &Server, tls: Option<ClientConfig>) -> Result<Wire, NoWire> {
    let stream = TcpStream::connect((server.host.as_str(), server.port)).await?;
    stream.set_nodelay(true)?;
    let Some(client) = tls else { return Ok(Box::new(stream)) };
    let name = ServerName::try_from(server.host.clone());
    let name = name.map_err(|error| NoWire::Untrusted(format!("{:?} can be in no certificate: {error}", server.host)))?;
    match TlsConnector::from(Arc::new(client)).connect(name, stream).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(why) => NoWire::Untrusted(in_words(server, why)),
            None => NoWire::Unreachable(error),
        }),
    }
}

/// What is wrong, and what to do.
fn in_words(server: &Server, error: &Error) -> String {
    let address = server.address();
    match error {
        Error::InvalidCertificate(wrong) => format!("{address} cannot be trusted: {}", certificate(server, wrong)),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            format!(
                "{address} does not speak TLS: is the port right, and does the controller have PULSE_TLS or PULSE_TLS_CERT set?"
            )
        }
        other => format!("{address}: the TLS handshake failed: {other}"),
    }
}

fn certificate(server: &Server, wrong: &CertificateError) -> String {
    match wrong {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is of an authority that this agent does not trust: set PULSE_CA to that authority's certificate (a \
             controller with PULSE_TLS=auto gives it at /ca.pem), once you know that it is the right one"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has ended: renew it, or set this host's clock".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet: set this host's clock, or the controller's".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => format!(
            "its certificate is not for `{}`: give PULSE_SERVER a name that it is for, or have it made for this one (with PULSE_TLS=auto \
             by PULSE_PUBLIC_URL): {wrong}",
            server.host
        ),
        CertificateError::Other(other) if other.0.downcast_ref::<NotTheTokens>().is_some() => NotTheTokens.to_string(),
        other => format!("its certificate is refused: {other}"),
    }
}
