//! Where the controller listens, and how others reach it.

use super::Tls;
use pulse_settings::{Given, Layers};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// Address and port; port 0 takes a free one.
    pub address: SocketAddr,
    /// How agents and people reach it, without a slash at the end; its own address unless said.
    pub public_url: Option<String>,
}

impl Listen {
    const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

    pub(super) fn read(layers: &Layers, tls: &Tls, errors: &mut Vec<String>) -> Self {
        let everywhere = insecure_http(layers, errors) || tls.is_on();
        let address = layers.get("PULSE_LISTEN").and_then(|given| address_of(given, everywhere, errors)).unwrap_or(Self::DEFAULT);
        let public_url = layers.get("PULSE_PUBLIC_URL").and_then(|given| public_url_of(given, errors));
        Self { address, public_url }
    }
}

/// Whether plain HTTP is allowed beyond loopback.
pub(super) fn insecure_http(layers: &Layers, errors: &mut Vec<String>) -> bool {
    layers.get("PULSE_INSECURE_HTTP").is_some_and(|given| bool_of(given, errors))
}

fn bool_of(given: &Given, errors: &mut Vec<String>) -> bool {
    match given.text.as_str() {
        "true" => true,
        "false" => false,
        other => {
            errors.push(format!("{}: `{other}` is neither `true` nor `false`", given.place));
            false
        }
    }
}

fn address_of(given: &Given, everywhere: bool, errors: &mut Vec<String>) -> Option<SocketAddr> {
    let place = &given.place;
    let Ok(address) = given.text.parse::<SocketAddr>() else {
        errors.push(format!("{place}: `{}` is no address; write an IP address and a port, such as 127.0.0.1:8080", given.text));
        return None;
    };
    if !address.ip().is_loopback() && !everywhere {
        errors.push(format!(
            "{place}: {address} is reachable from other machines, and plain HTTP can be read and changed on its way; set PULSE_TLS=auto or \
             PULSE_TLS_CERT and PULSE_TLS_KEY, listen on 127.0.0.1 behind a proxy that speaks TLS, or set \
             PULSE_INSECURE_HTTP=true where such a proxy, or a network you trust, lies between"
        ));
        return None;
    }
    Some(address)
}

fn public_url_of(given: &Given, errors: &mut Vec<String>) -> Option<String> {
    let rest = given.text.strip_prefix("https://").or_else(|| given.text.strip_prefix("http://"));
    let fits = rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', '@', ' ', '"']) && rest.is_ascii()
    });
    if !fits {
        errors.push(format!("{}: `{}` is no URL such as https://pulse.example.org", given.place, given.text));
        return None;
    }
    Some(given.text.trim_end_matches('/').to_owned())
}
