//! Where the server is: https, or http. Plain http carries the token in clear, so it is for this machine only unless someone insists.

use crate::failure::Failure;
use std::net::IpAddr;
use ureq::http::Uri;

/// The server's address without a slash at its end.
pub fn parse(text: &str, insecure_http: bool) -> Result<String, Failure> {
    let text = text.trim();
    let wrong = |why: &str| {
        Failure::new(format!("the server's address {text:?} {why}"))
            .with_help("set --server or PULSE_SERVER to an address such as http://127.0.0.1:8080")
    };
    let uri: Uri = text.parse().map_err(|error| wrong(&format!("is no URL: {error}")))?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        Some(_) => return Err(wrong("is not of the form https://host or http://host:port")),
        None => return Err(wrong("lacks its scheme, https:// or http://")),
    }
    let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
    if authority.as_str().contains('@') {
        // Not shown: it may hold a password.
        return Err(Failure::new("the server's address holds a user or a password").with_help("use PULSE_TOKEN instead"));
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(wrong("has a `?` or `#` part"));
    }
    if uri.scheme_str() == Some("http") && !is_loopback(authority.host()) && !insecure_http {
        let message = format!("plain http to {} would send your token in clear", authority.host());
        return Err(Failure::new(message).with_help(
            "use https (PULSE_TLS or PULSE_TLS_CERT at the controller), a tunnel to a loopback address (ssh -L 8080:127.0.0.1:8080 HOST), or set PULSE_INSECURE_HTTP=true where the network is trusted",
        ));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The same for an address that never leaves this machine.
pub fn loopback(text: &str) -> Result<String, Failure> {
    let base = parse(text, true)?;
    let uri: Uri = base.parse().map_err(|error| Failure::new(format!("{base:?} is no URL: {error}")))?;
    if !uri.host().is_some_and(is_loopback) {
        return Err(Failure::new(format!("the server's address {text:?} is not on this machine"))
            .with_help("set PULSE_SERVER to https://127.0.0.1 or http://127.0.0.1 with the controller's port"));
    }
    Ok(base)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn loopback_is_taken_as_it_is() {
        assert_eq!(parse("https://pulse.example.org/", false).unwrap(), "https://pulse.example.org");
        for address in ["http://127.0.0.1:8080", "http://localhost:1/", "http://[::1]:8080", "http://127.8.9.1"] {
            assert_eq!(parse(address, false).unwrap(), address.trim_end_matches('/'));
        }
    }

    #[test]
    fn other_hosts_need_the_word_of_a_person() {
        let refused = parse("http://pulse.example.org:8080", false).unwrap_err().to_string();
        assert!(refused.contains("in clear") && refused.contains("PULSE_INSECURE_HTTP=true"), "{refused}");
        assert!(parse("http://127.0.0.1.example.org", false).is_err());
        assert_eq!(parse("http://pulse.example.org:8080", true).unwrap(), "http://pulse.example.org:8080");
    }

    #[test]
    fn what_cannot_work_says_why() {
        let why = |address| parse(address, true).unwrap_err().to_string();
        assert!(why("127.0.0.1:8080").contains("lacks its scheme"), "{}", why("127.0.0.1:8080"));
        assert!(why("ftp://x").contains("not of the form"));
        assert!(why("").contains("is no URL"));
        assert!(why("http://x/?a=b").contains("`?`"));
        let secret = why("http://me:hunter2@x");
        assert!(secret.contains("password") && !secret.contains("hunter2"), "{secret}");
    }
}
