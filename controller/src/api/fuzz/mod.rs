//! Bent requests: whatever stands in headers, paths, queries, lists of proxies, claims and deliveries of webhooks, its reader answers, and what it
//! lets through is what it should be. `corpus/` has where the bending begins; what was once wrong belongs there.
//!
//! `FUZZ_SECONDS` says how long each loop runs (1 unless said), `FUZZ_SEED` repeats a run whose seed was printed.

use super::path;
use super::search::{Search, SearchQuery};
use crate::config::{Oidc, TrustedProxies, WebhookSecrets};
use crate::identity::browser::{OwnOrigin, cookie};
use crate::identity::oidc::Person;
use crate::identity::{Identity, secret};
use crate::webhook::{Delivery, Verifier, Webhooks};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use std::fmt::Write;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Pieces that mean something to one of the readers.
#[rustfmt::skip]
const PIECES: [&str; 40] = [
    "%2e", "%2f", "%00", "%", "..", ".", ";", "/", "\\", "//", "?", "&", "=", ",", ":", " ", "\t", "_", "-", "é", "e\u{301}", "\u{202e}",
    "Remote-User", "remote_user", "0", "255", "/0", "/1", "::", "localhost", "null", "https://", "http://", "[", "]", "\"", "{", "}",
    "99999999999999999999", "a",
];

/// Numbers that a seed decides (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// A text of the corpus with a few characters removed, doubled, or replaced by pieces.
    fn bent(&mut self, corpus: &[&str]) -> String {
        let mut text: Vec<char> = corpus[self.below(corpus.len())].chars().collect();
        for _ in 0..self.below(6) {
            let at = self.below(text.len() + 1);
            match self.below(4) {
                0 if at < text.len() => drop(text.remove(at)),
                1 => text.splice(at..at, PIECES[self.below(PIECES.len())].chars()).for_each(|_| {}),
                2 => text.truncate(at),
                _ => {
                    let other: Vec<char> = corpus[self.below(corpus.len())].chars().collect();
                    text.splice(at..at, other[self.below(other.len() + 1)..].iter().copied()).for_each(|_| {});
                }
            }
        }
        text.into_iter().take(4096).collect()
    }
}

/// Bends a corpus until the time is over; a panic names the seed.
#[expect(clippy::disallowed_methods, reason = "a loop that is bounded by time, with a seed of its own")]
fn fuzz(corpus: &str, check: impl Fn(&str)) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("FUZZ_SEED").unwrap_or_else(|| uuid::Uuid::new_v4().as_u128() as u64).max(1);
    let (lines, mut dice): (Vec<&str>, Dice) = (corpus.lines().collect(), Dice(seed));
    let end = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(1));
    lines.iter().for_each(|line| check(line));
    let mut runs = 0_u64;
    while Instant::now() < end {
        let text = dice.bent(&lines);
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&text))).is_err() {
            panic!("FUZZ_SEED={seed}, run {runs}: {text:?}");
        }
        runs += 1;
    }
    assert!(runs > 0, "nothing was tried");
}

/// Lines of `Name: value`, as far as they can be headers.
fn headers(text: &str) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in text.split(['\n', '&']).filter_map(|line| line.split_once(':')) {
        let name = HeaderName::from_bytes(name.trim().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.trim().as_bytes())) {
            map.append(name, value);
        }
    }
    map
}

#[test]
fn headers_that_say_who_somebody_is() {
    fuzz(include_str!("corpus/headers.txt"), |text| {
        let map = headers(&format!("Remote-User: anna\n{text}"));
        let bare = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
        let alike = map.keys().filter(|name| bare(name.as_str()) == "remoteuser").count();
        if Identity::check_headers(&map).is_ok() {
            assert_eq!((alike, map.get_all("remote-user").iter().count()), (1, 1), "one spelling, once");
        }
        if let Some(found) = cookie(&map, "pulse") {
            assert!(!found.contains(';'));
        }
    });
}

#[test]
fn origins_of_pages() {
    let own = OwnOrigin::new(None, "http://127.0.0.1:8080");
    fuzz(include_str!("corpus/headers.txt"), |text| {
        let map = headers(text);
        if own.check_origin(&map).is_ok()
            && let Some(origin) = map.get(header::ORIGIN)
        {
            let host = map.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
            assert_eq!(origin.to_str().unwrap().to_ascii_lowercase(), format!("http://{host}"));
            let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name).trim_matches(['[', ']']);
            let bare = host.trim_matches(['[', ']']);
            assert!(
                name == "localhost" || bare == "localhost" || name.parse::<IpAddr>().is_ok() || bare.parse::<IpAddr>().is_ok(),
                "{host}"
            );
        }
    });
}

#[test]
fn deliveries_of_webhooks() {
    let secrets = WebhookSecrets::parse("neither-short-nor-guessed").unwrap();
    let webhooks = Webhooks::new(Some(Verifier::new(&secrets)));
    fuzz(include_str!("corpus/deliveries.txt"), |text| {
        let map = headers(&format!("Content-Type: application/json\n{text}"));
        if let Ok((verifier, claim)) = webhooks.open(&map) {
            assert!(!verifier.holds(&claim, text.as_bytes()), "signed without the secret: {text:?}");
        }
        let said = Delivery::of_headers(&map).with_body(text.as_bytes());
        for shown in [said.event, said.delivery, said.repository, said.reference, said.after, said.pusher].into_iter().flatten() {
            assert!(shown.chars().count() <= 201 && !shown.chars().any(char::is_control), "{shown:?}");
        }
    });
}

#[test]
fn claims_of_issuers() {
    let settings = Oidc {
        issuer: "https://issuer.example".to_owned(),
        client_id: "pulse".to_owned(),
        client_secret: None,
        scopes: Vec::new(),
        groups_claim: "groups".to_owned(),
        user_claim: "preferred_username".to_owned(),
        name: "issuer".to_owned(),
        ca: None,
    };
    fuzz(include_str!("corpus/claims.txt"), |text| {
        let Ok(serde_json::Value::Object(claims)) = serde_json::from_str(text) else { return };
        if let Ok(person) = Person::of("subject", &claims, &settings) {
            let names = person.groups.iter().chain([&person.name]);
            let is_one = |name: &String| {
                !name.is_empty()
                    && name.trim() == name
                    && !name.contains(|c: char| c == ',' || c.is_control())
                    && name.chars().count() <= 190
            };
            assert!(names.into_iter().all(is_one), "{person:?}");
            let shown = [person.display_name, person.email];
            assert!(shown.iter().flatten().all(|text| text.chars().count() <= 255 && !text.chars().any(char::is_control)));
        }
    });
}

#[test]
fn paths() {
    fuzz(include_str!("corpus/paths.txt"), |text| {
        if path::check(text).is_ok() {
            let lower = text.to_ascii_lowercase();
            for wrong in ["//", "/./", "/../", "%2e%2e", "%2f", "%5c", "%3b", "%00", "\\", ";"] {
                assert!(
                    !lower.contains(wrong) || lower.contains(&format!("%25{}", &wrong[1..])) || wrong == "%2e%2e",
                    "{text:?} has {wrong}"
                );
            }
            assert!(lower.split('/').all(|part| !["..", ".", "%2e%2e", "%2e", ".%2e", "%2e."].contains(&part)), "{text:?}");
        }
    });
}

#[test]
fn queries_and_lists() {
    fuzz(include_str!("corpus/queries.txt"), |text| {
        let pairs =
            text.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned()));
        // What is wrong is said; nothing else is asked of it.
        let _ = Search::of(SearchQuery(pairs.collect()).0);
    });
    fuzz(include_str!("corpus/lists.txt"), |text| {
        if let Ok(proxies) = TrustedProxies::parse(text) {
            let everywhere = ["0.0.0.0", "1.2.3.4", "64.0.0.1", "128.9.9.9", "200.1.1.1", "255.255.255.255"];
            assert!(everywhere.iter().any(|address| !proxies.contain(address.parse().unwrap())), "{text:?} believes everybody");
        }
    });
}

#[test]
fn tokens() {
    let mut corpus = String::new();
    for id in [uuid::Uuid::nil(), uuid::Uuid::max()] {
        writeln!(corpus, "{}", secret::token(id, "00ff")).unwrap();
    }
    fuzz(&corpus, |text| {
        if let Some(id) = secret::id_of(text) {
            assert!(text.starts_with(secret::TOKEN_PREFIX) && text.contains('_'), "{text:?} is {id}");
        }
        let _ = pulse_protocol::token::authority_of(text);
    });
}
