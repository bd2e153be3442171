//! The names and addresses that a certificate of our own authority is made for.

use std::net::SocketAddr;

/// The public URL's host, the address that is listened on, and those by which the machine reaches itself.
pub(super) fn of(public_url: Option<&str>, address: SocketAddr) -> Vec<String> {
    let mut names: Vec<String> = public_url.and_then(host_of).into_iter().collect();
    if !address.ip().is_unspecified() {
        names.push(address.ip().to_string());
    }
    names.push(rustix::system::uname().nodename().to_string_lossy().to_lowercase());
    names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| !name.is_empty() && name.is_ascii() && seen.insert(name.clone()));
    names
}

/// The host of a URL, without port and brackets.
fn host_of(url: &str) -> Option<String> {
    let uri: axum::http::Uri = url.parse().ok()?;
    Some(uri.host()?.trim_start_matches('[').trim_end_matches(']').to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn the_certificate_is_for_every_way_to_this_machine() {
        let names = of(Some("https://Pulse.example.org:8443/x"), "192.0.2.7:8443".parse().unwrap());
        assert_eq!(names[..2], ["pulse.example.org", "192.0.2.7"]);
        assert_eq!(names[names.len() - 3..], ["localhost", "127.0.0.1", "::1"]);
        let everywhere = of(None, "0.0.0.0:443".parse().unwrap());
        assert!(!everywhere.contains(&"0.0.0.0".to_owned()), "{everywhere:?}");
        let six = of(Some("https://[2001:db8::1]:1"), "127.0.0.1:1".parse().unwrap());
        assert_eq!((six[0].as_str(), six.iter().filter(|name| *name == "127.0.0.1").count()), ("2001:db8::1", 1));
    }
}
