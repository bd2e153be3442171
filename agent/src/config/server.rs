//! The controller's address.

use anyhow::{Context, Result, bail, ensure};
use std::net::IpAddr;

/// The controller's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether it is https.
    pub tls: bool,
    path: String,
}

impl Server {
    /// Where agents come in.
    pub fn session_url(&self) -> String {
        format!("{}://{}{}/api/v1/agents/session", if self.tls { "wss" } else { "ws" }, self.authority(), self.path)
    }
    /// The address for people.
    pub fn address(&self) -> String {
        format!("{}://{}{}", if self.tls { "https" } else { "http" }, self.authority(), self.path)
    }
    fn authority(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }
}

pub(crate) fn parse_server(text: &str, insecure: bool) -> Result<Server> {
    let wrong = || format!("{text:?}: give an address such as https://pulse.example.org");
    let uri: tokio_tungstenite::tungstenite::http::Uri = text.trim_end_matches('/').parse().with_context(wrong)?;
    let tls = uri.scheme_str() == Some("https");
    ensure!((tls || uri.scheme_str() == Some("http")) && uri.query().is_none(), wrong());
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).with_context(wrong)?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if !tls && !loopback && !insecure {
        bail!(
            "{text}: plain http to another host can be read and changed on its way; use https, or set \
             PULSE_INSECURE_HTTP=true where the network is trusted"
        );
    }
    let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
    Ok(Server { host, port, tls, path: uri.path().trim_end_matches('/').to_owned() })
}
