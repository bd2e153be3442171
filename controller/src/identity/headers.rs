//! What a proxy's headers say of somebody, and when a request with such headers is not even looked at. Pure.
//!
//! Proxies strip `Remote-User` from what strangers send, and let `Remote_User` or a second copy through, which some server behind
//! them then takes for the same name. So another spelling, or a header twice, is an attack or a misconfiguration: 400.

use axum::http::{HeaderMap, HeaderName};
use std::collections::BTreeSet;

/// The headers of Authelia, and of every proxy that speaks like it.
const HEADERS: [&str; 4] = ["remote-user", "remote-name", "remote-email", "remote-groups"];
/// Characters of a name or group.
const NAME: usize = 190;
/// Groups of one person.
const GROUPS: usize = 1000;
/// Bytes of one header.
const BYTES: usize = 16 * 1024;

/// Whom the headers name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// `Remote-User`.
    pub name: String,
    /// `Remote-Name`.
    pub display_name: Option<String>,
    /// `Remote-Email`.
    pub email: Option<String>,
    /// `Remote-Groups`, between commas.
    pub groups: BTreeSet<String>,
}

/// Why the headers are not looked at. The sentence names the header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's sentence says it")]
pub enum BadHeaders {
    #[error("the header `{0}` is another spelling of one that says who somebody is")]
    Spelling(String),
    #[error("the header `{0}` stands there twice")]
    Twice(&'static str),
    #[error("the header `{0}` holds what no {1} can hold")]
    Value(&'static str, &'static str),
}

/// Whom the headers name; nobody where there is no `Remote-User`. Asked of every request, whoever sent it.
pub fn claimed(headers: &HeaderMap) -> Result<Option<Claimed>, BadHeaders> {
    if let Some(other) = headers.keys().find(|name| is_other_spelling(name)) {
        return Err(BadHeaders::Spelling(other.to_string()));
    }
    let [user, name, email, groups] = HEADERS.map(|header| one(headers, header));
    let (user, name, email, groups) = (user?, name?, email?, groups?);
    let Some(user) = user else { return Ok(None) };
    if !is_name(&user) {
        return Err(BadHeaders::Value("Remote-User", "user's name"));
    }
    let groups: BTreeSet<String> = groups.iter().flat_map(|text| text.split(',')).map(|group| group.trim().to_owned()).collect();
    let groups: BTreeSet<String> = groups.into_iter().filter(|group| !group.is_empty()).collect();
    if groups.len() > GROUPS || !groups.iter().all(|group| is_name(group)) {
        return Err(BadHeaders::Value("Remote-Groups", "list of groups"));
    }
    Ok(Some(Claimed { name: user, display_name: name, email, groups }))
}

/// `remote_user`, `remote.user`, `remoteuser`, …: names that CGI, WSGI or a lenient proxy makes the same of.
fn is_other_spelling(name: &HeaderName) -> bool {
    let text = name.as_str();
    let bare = |text: &str| text.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>();
    let bare_name = bare(text.strip_prefix("http").map_or(text, |rest| rest.trim_start_matches(['-', '_', '.'])));
    !HEADERS.contains(&text) && HEADERS.iter().any(|header| bare(header) == bare_name)
}

/// The one value of a header; an empty one is none.
fn one(headers: &HeaderMap, header: &'static str) -> Result<Option<String>, BadHeaders> {
    let mut values = headers.get_all(header).into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(BadHeaders::Twice(header));
    }
    let text =
        std::str::from_utf8(value.as_bytes()).ok().filter(|text| text.len() <= BYTES && !text.chars().any(char::is_control));
    let text = text.ok_or(BadHeaders::Value(header, "text"))?.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// Names are compared, so that nothing may stand in one that looks like something else: no space at an end, no comma, no control
/// character, and of what is not ASCII letters and digits only.
pub(super) fn is_name(text: &str) -> bool {
    let fits =
        |c: char| (c.is_ascii() && (c.is_ascii_graphic() || c == ' ') && c != ',') || (!c.is_ascii() && c.is_alphanumeric());
    (1..=NAME).contains(&text.chars().count()) && text.trim() == text && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::{BadHeaders, claimed};
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    fn headers(all: &[(&str, &[u8])]) -> HeaderMap {
        let one = |(name, value): &(&str, &[u8])| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap())
        };
        let mut map = HeaderMap::new();
        for (name, value) in all.iter().map(one) {
            map.append(name, value);
        }
        map
    }

    #[test]
    fn authelias_headers_are_read() {
        let said = headers(&[
            ("Remote-User", b"anna"),
            ("Remote-Name", "Anna Müller".as_bytes()),
            ("Remote-Email", b"anna@example.org"),
            ("Remote-Groups", b"employee, dba,,dba"),
        ]);
        let anna = claimed(&said).unwrap().unwrap();
        assert_eq!((anna.name.as_str(), anna.display_name.as_deref()), ("anna", Some("Anna Müller")));
        assert_eq!(anna.groups.into_iter().collect::<Vec<_>>(), ["dba", "employee"]);
        assert_eq!(claimed(&headers(&[("Remote-Groups", b"admin"), ("Accept", b"*/*")])), Ok(None), "groups of nobody");
        assert_eq!(claimed(&headers(&[("Remote-User", b"")])), Ok(None));
    }

    #[test]
    fn other_spellings_copies_and_strange_values_are_refused() {
        for name in
            ["Remote_User", "Remote.User", "RemoteUser", "HTTP_REMOTE_USER", "remote--groups", "Remote_Groups", "remote_email"]
        {
            let refused = claimed(&headers(&[("Remote-User", b"anna"), (name, b"admin")]));
            assert!(matches!(refused, Err(BadHeaders::Spelling(_))), "{name}: {refused:?}");
        }
        let twice = claimed(&headers(&[("Remote-User", b"anna"), ("REMOTE-USER", b"anna")]));
        assert_eq!(twice, Err(BadHeaders::Twice("remote-user")));
        let long = vec![b'a'; 64 * 1024];
        for value in [b"a,b".as_slice(), b"an\tna", b"\xff\xfe", "a\u{202e}nna".as_bytes(), &long] {
            assert!(matches!(claimed(&headers(&[("Remote-User", value)])), Err(BadHeaders::Value(..))), "{value:?}");
        }
        assert!(claimed(&headers(&[("X-Remote-User", b"x"), ("Remote-Address", b"x")])).is_ok(), "other names are others");
    }
}
