//! Whether a controller runs with these settings, and how it is.

use super::check::Check;
use crate::config::Config;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

/// Asks where it would listen.
pub(super) async fn check(config: &Config) -> Check {
    let (address, tls) = (reachable(config.listen.address), config.tls.is_on());
    let asked = tokio::task::spawn_blocking(move || ask(address, tls)).await;
    asked.unwrap_or_else(|error| Check::fail("controller", error.to_string(), "run it again"))
}

/// The address by which this machine reaches what listens everywhere.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn ask(address: SocketAddr, tls: bool) -> Check {
    if let Err(error) = TcpStream::connect_timeout(&address, PATIENCE) {
        let message = format!("nothing answers at {address}: {error}");
        return Check::warn("controller", message, "start it; these checks are those of a controller that would start now");
    }
    if tls {
        return Check::ok("controller", format!("something listens at {address}; `pulse doctor` asks it over https"));
    }
    let client = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).timeout_global(Some(PATIENCE));
    let asked = client.build().new_agent().get(format!("http://{address}/health")).call();
    let health: Option<Value> = asked.ok().and_then(|mut answer| answer.body_mut().read_json().ok());
    let word = |health: &Value, name: &str| health[name].as_str().unwrap_or_default().to_owned();
    match health {
        Some(health) if word(&health, "role") == "active" => {
            Check::ok("controller", format!("the active controller runs at {address}"))
        }
        Some(health) if !word(&health, "role").is_empty() => {
            let message = format!(
                "a controller runs at {address} and is not the active one ({}): {}",
                word(&health, "role"),
                word(&health, "reason")
            );
            Check::warn("controller", message, "where another one is active this is right; otherwise see its log")
        }
        _ => Check::fail("controller", format!("something else listens at {address}"), "end it, or choose another PULSE_LISTEN"),
    }
}
