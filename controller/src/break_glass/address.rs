//! The way to the controller of this machine: its own address, by http or https as it speaks there.

use super::client;
use crate::config::BreakGlass;
use crate::source::git::certificates;
use anyhow::{Context, anyhow, bail};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Where a data folder keeps the certificate of its own authority.
const AUTHORITY: &str = "tls/authority.pem";
/// What a controller that speaks https says to plain http.
const HTTPS_ONLY: &str = "https only";

/// An address with what speaks to it.
pub(super) struct Way {
    pub(super) base: String,
    pub(super) agent: Agent,
}

impl Way {
    /// Asks without the token first, so that it reaches nobody in clear who speaks https.
    pub(super) fn find(settings: &BreakGlass) -> anyhow::Result<Self> {
        let address = reached(settings.listen.address);
        let plain = Self { base: format!("http://{address}"), agent: client(None) };
        let mut answer =
            plain.agent.get(format!("{}/health/live", plain.base)).call().map_err(|error| plain.unreachable(&error))?;
        let status = answer.status().as_u16();
        let said = answer.body_mut().with_config().limit(super::MAX_ANSWER).lossy_utf8(true).read_to_string().unwrap_or_default();
        match status {
            200 => Ok(plain),
            400 if said.contains(HTTPS_ONLY) => Self::encrypted(settings, address),
            _ => bail!("{} answers {status} and is no controller; see PULSE_LISTEN", plain.base),
        }
    }

    /// A certificate is made for a name: that of the public URL, where there is one.
    fn encrypted(settings: &BreakGlass, address: SocketAddr) -> anyhow::Result<Self> {
        let (place, roots) = roots(settings)?;
        let public = settings.listen.public_url.clone().filter(|url| url.starts_with("https://"));
        let base = if place.ends_with(AUTHORITY) { None } else { public }.unwrap_or_else(|| format!("https://{address}"));
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        Ok(Self { base, agent: client(Some(tls)) })
    }

    /// Why nobody answers.
    pub(super) fn unreachable(&self, error: &ureq::Error) -> anyhow::Error {
        match error {
            ureq::Error::Io(io) if io.kind() == ErrorKind::ConnectionRefused => anyhow!(
                "nothing listens at {}: the controller does not run, or listens elsewhere (--listen, PULSE_LISTEN)",
                self.base
            ),
            error => anyhow!("cannot reach the controller at {}: {error}", self.base),
        }
    }
}

/// Who listens everywhere listens at home, too.
fn reached(listens: SocketAddr) -> SocketAddr {
    let ip = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listens.port())
}

/// The authorities to trust, and where they come from: what is set, else the data folder's own, else the machine's.
fn roots(settings: &BreakGlass) -> anyhow::Result<(PathBuf, Vec<Certificate<'static>>)> {
    let own = settings.folder.join(AUTHORITY);
    match settings.ca.clone().or_else(|| own.exists().then_some(own)) {
        Some(file) => {
            let found = read(&file)?;
            Ok((file, found))
        }
        None => {
            let machine = rustls_native_certs::load_native_certs().certs;
            Ok((PathBuf::new(), machine.iter().map(|der| Certificate::from_der(der).to_owned()).collect()))
        }
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<Certificate<'static>>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    certificates(&text).map_err(|why| anyhow!("{}: {why}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::reached;

    #[test]
    fn who_listens_everywhere_is_reached_at_home() {
        let of = |text: &str| reached(text.parse().unwrap()).to_string();
        assert_eq!(
            (of("0.0.0.0:80"), of("[::]:80"), of("192.0.2.7:1")),
            ("127.0.0.1:80".into(), "[::1]:80".into(), "192.0.2.7:1".into())
        );
    }
}
