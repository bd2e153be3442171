//! TLS: by which certificate this controller answers, and how that certificate is kept current. Without a setting there is none.

mod authority;
mod current;
mod given;
mod handle;
mod keeper;
mod names;
mod validity;

use crate::config::{Config, Tls as Setting};
use anyhow::Context;
use authority::Authority;
use current::Current;
pub use handle::{Handle, Other};
use keeper::Keeper;
use pulse_core::Timestamp;
use pulse_protocol::token::Fingerprint;
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Until when the given certificate is valid, or what is wrong with it; none where none is given.
pub fn given_end(setting: &Setting) -> Option<Result<Timestamp, String>> {
    let Setting::Given { certificate, key } = setting else { return None };
    let read = given::read(certificate, key).and_then(|written| given::certified(certificate, key, &written));
    Some(read.and_then(|certified| {
        let first = certified.cert.first().and_then(validity::end);
        first.ok_or_else(|| "the certificate does not say until when it is valid".to_owned())
    }))
}

/// The authority that agents and people have to trust, where it is our own.
#[derive(Debug, Clone)]
pub struct Trust {
    /// Its certificate, for whoever wants to trust it.
    pub pem: Arc<str>,
    /// What enrolment tokens carry.
    pub fingerprint: Fingerprint,
}

/// TLS as it was set up.
pub struct Tls {
    /// What takes connections in.
    pub acceptor: TlsAcceptor,
    /// Our own authority.
    pub trust: Option<Trust>,
    /// By which the certificate is exchanged.
    pub handle: Handle,
}

impl Tls {
    /// Sets it up as the settings say; `None`: plain HTTP.
    pub fn open(config: &Config, address: SocketAddr) -> anyhow::Result<Option<Self>> {
        let (keeper, certified, trust) = match &config.tls {
            Setting::Off => return Ok(None),
            Setting::Auto => {
                let folder = config.data.folder.join("tls");
                let authority = Authority::open(&folder).context("PULSE_TLS=auto")?;
                let trust = authority.trust();
                let names = names::of(config.listen.public_url.as_deref(), address);
                tracing::info!(fingerprint = %trust.fingerprint, names = names.join(", "), "TLS by the authority of this data folder");
                let (keeper, certified) = Keeper::issuing(authority, names)?;
                (keeper, certified, Some(trust))
            }
            Setting::Given { certificate, key } => {
                let (keeper, certified) = Keeper::reading(certificate, key).map_err(anyhow::Error::msg)?;
                (keeper, certified, None)
            }
        };
        let current = Arc::new(Current::new(certified));
        Ok(Some(Self { acceptor: TlsAcceptor::from(server(&current)?), trust, handle: Handle::new(keeper, current) }))
    }
}

fn server(current: &Arc<Current>) -> anyhow::Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // TLS 1.2 and 1.3, with the suites that rustls calls safe.
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut server = builder.with_no_client_auth().with_cert_resolver(Arc::clone(current) as _);
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(server))
}

#[cfg(test)]
mod tests;
