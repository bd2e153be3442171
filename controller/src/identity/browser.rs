//! What a browser sends by itself proves nothing of who wanted the request: cookies, and what a proxy adds, come with every page's requests.
//! So whoever came in by either shows a token that no other page can read, and comes from our own page. Pure.

use super::secret;
use axum::http::{HeaderMap, HeaderName, Method, header};
use std::net::IpAddr;

/// The header that carries the token against forged requests.
pub const CSRF_HEADER: HeaderName = HeaderName::from_static("x-pulse-csrf");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The cookie over TLS. Its prefix has the browser refuse it from anywhere but this very host, over TLS, for every path.
const SECURE_COOKIE: &str = "__Host-pulse";
/// The cookie over plain HTTP, where browsers take no such prefix.
const PLAIN_COOKIE: &str = "pulse";

/// Where this controller's own pages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnOrigin {
    /// What its address was set to; without that, a page of the very host and port that is asked, if it is an address or `localhost`: a name
    /// might be anybody's.
    configured: Option<String>,
    secure: bool,
}

/// A request that another page, or none of ours, has brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forged {
    /// It does not carry the token that only our page knows.
    NoToken,
    /// It comes from another page.
    Origin,
}

impl OwnOrigin {
    /// Of the address that was set, and the one under which it is reached in any case.
    pub fn new(configured: Option<&str>, url: &str) -> Self {
        Self { configured: configured.map(origin_of), secure: url.starts_with("https://") }
    }

    /// The cookie's name.
    pub const fn cookie(&self) -> &'static str {
        if self.secure { SECURE_COOKIE } else { PLAIN_COOKIE }
    }

    /// The line that sets the cookie to a secret.
    pub fn set_cookie(&self, secret: &str, seconds: i64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}", self.cookie())
    }

    /// The line that sets the cookie of somebody who is on the way to an issuer and back.
    pub fn set_state_cookie(&self, state: &str, seconds: i64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={state}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}", self.state_cookie())
    }

    /// That cookie's name.
    pub const fn state_cookie(&self) -> &'static str {
        if self.secure { "__Host-pulse-sign-in" } else { "pulse-sign-in" }
    }

    /// Refuses a page that is not ours. A request without an origin is none of a page, or of one that reads.
    pub fn check_origin(&self, headers: &HeaderMap) -> Result<(), Forged> {
        let origins: Vec<_> = headers.get_all(header::ORIGIN).into_iter().collect();
        let is_own = match origins.as_slice() {
            [] => true,
            [origin] => origin.to_str().is_ok_and(|origin| self.is_own(origin, headers)),
            _ => false,
        };
        let site = headers.get(FETCH_SITE).map(|site| site.as_bytes());
        if is_own && matches!(site, None | Some(b"same-origin" | b"none")) { Ok(()) } else { Err(Forged::Origin) }
    }

    fn is_own(&self, origin: &str, headers: &HeaderMap) -> bool {
        if let Some(configured) = &self.configured {
            return origin == configured;
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let scheme = if self.secure { "https://" } else { "http://" };
        origin.strip_prefix(scheme).is_some_and(|authority| authority.eq_ignore_ascii_case(host)) && is_nobodys_name(host)
    }
}

/// The secret in the cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut found = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    found.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The token against forged requests that goes with a session's secret, or with whoever a proxy names.
pub fn csrf_token(secret: &str) -> String {
    secret::hash(&format!("csrf:{secret}"))
}

/// Whether a request that changes something was brought about by our own page.
pub fn check(own: &OwnOrigin, method: &Method, headers: &HeaderMap, token: &str) -> Result<(), Forged> {
    if method.is_safe() {
        return Ok(());
    }
    own.check_origin(headers)?;
    let said = headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if secret::is_equal(said, token) { Ok(()) } else { Err(Forged::NoToken) }
}

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split('/').next().unwrap_or_default();
    let default = if scheme == "https" { ":443" } else { ":80" };
    format!("{scheme}://{}", authority.strip_suffix(default).unwrap_or(authority)).to_ascii_lowercase()
}

/// An address, or `localhost`: what nobody's name server can point elsewhere.
fn is_nobodys_name(host: &str) -> bool {
    let without_port =
        host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(name, _)| name);
    let bare = without_port.trim_start_matches('[').trim_end_matches(']');
    without_port.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::{CSRF_HEADER, Forged, OwnOrigin, check, cookie, csrf_token};
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};

    fn headers(all: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in all {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn only_our_own_page_may_ask() {
        let own = OwnOrigin::new(Some("https://pulse.example.org:443/"), "https://pulse.example.org");
        let is_own = |own: &OwnOrigin, all: &[(&str, &str)]| own.check_origin(&headers(all)).is_ok();
        assert!(is_own(&own, &[("origin", "https://pulse.example.org"), ("host", "x")]));
        for origin in ["null", "https://evil.example", "http://pulse.example.org", "https://pulse.example.org.evil.example", ""] {
            assert!(!is_own(&own, &[("origin", origin), ("host", "pulse.example.org")]), "{origin}");
        }
        assert!(!is_own(&own, &[("origin", "https://pulse.example.org"), ("origin", "https://pulse.example.org")]));
        assert!(!is_own(&own, &[("sec-fetch-site", "same-site")]) && !is_own(&own, &[("sec-fetch-site", "cross-site")]));
        let local = OwnOrigin::new(None, "http://127.0.0.1:8080");
        assert!(is_own(&local, &[("origin", "http://localhost:8080"), ("host", "localhost:8080")]));
        assert!(is_own(&local, &[("origin", "http://[::1]:8080"), ("host", "[::1]:8080")]));
        assert!(!is_own(&local, &[("origin", "http://rebound.example:8080"), ("host", "rebound.example:8080")]));
        assert!(!is_own(&local, &[("origin", "http://localhost:9090"), ("host", "localhost:8080")]));
    }

    #[test]
    fn a_change_needs_the_token_that_only_our_page_knows() {
        let (own, token) = (OwnOrigin::new(None, "http://127.0.0.1:1"), csrf_token("secret"));
        let with = |value: &str| headers(&[(CSRF_HEADER.as_str(), value)]);
        assert_eq!(check(&own, &Method::POST, &with(&token), &token), Ok(()));
        assert_eq!(check(&own, &Method::POST, &with("x"), &token), Err(Forged::NoToken));
        assert_eq!(check(&own, &Method::DELETE, &headers(&[]), &token), Err(Forged::NoToken));
        assert_eq!(check(&own, &Method::GET, &headers(&[]), &token), Ok(()));
        assert_ne!(token, csrf_token("other"));
    }

    #[test]
    fn the_cookie_is_bound_to_the_host_over_tls() {
        let (tls, plain) = (OwnOrigin::new(None, "https://x"), OwnOrigin::new(None, "http://127.0.0.1:1"));
        assert_eq!(tls.set_cookie("s", 5), "__Host-pulse=s; Path=/; Max-Age=5; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(plain.set_cookie("s", 5), "pulse=s; Path=/; Max-Age=5; HttpOnly; SameSite=Lax");
        let sent = headers(&[("cookie", "a=b; __Host-pulse=x=y"), ("cookie", "pulse=z")]);
        assert_eq!(
            (cookie(&sent, "__Host-pulse"), cookie(&sent, "pulse"), cookie(&sent, "puls")),
            (Some("x=y"), Some("z"), None)
        );
    }
}
