//! What is let in and what is not, without a network.

use super::{Delivery, Last, LastWebhook, Ledger, Refusal, Verifier, Webhooks};
use crate::config::WebhookSecrets;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use hmac::{Hmac, KeyInit, Mac};
use pulse_store::Store;
use sha2::Sha256;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::watch;

const SECRET: &str = "the-first-secret";
const OTHER: &str = "the-other-secret";

fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn webhooks(secrets: &str) -> Webhooks {
    Webhooks::new(Some(Verifier::new(&WebhookSecrets::parse(secrets).unwrap())))
}

fn headers(values: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in values.iter().chain(&[("content-type", "application/json")]) {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

/// What becomes of a delivery with these headers.
fn judged(webhooks: &Webhooks, values: &[(&str, &str)], body: &[u8]) -> Result<(), Refusal> {
    let headers = headers(values);
    let (verifier, claim) = webhooks.open(&headers)?;
    if verifier.holds(&claim, body) { Ok(()) } else { Err(Refusal::WrongSignature) }
}

#[test]
fn one_signature_in_either_header_or_the_same_in_both() {
    let (webhooks, body) = (webhooks(SECRET), b"{}".as_slice());
    let good = &*sign(SECRET, body);
    let hub = &*format!("sha256={good}");
    let hook = |values: &[(&str, &str)]| judged(&webhooks, values, body);
    let (gitea_header, hub_header) = ("x-gitea-signature", "x-hub-signature-256");
    assert_eq!(hook(&[(gitea_header, good)]), Ok(()));
    assert_eq!(hook(&[(hub_header, hub)]), Ok(()));
    assert_eq!(hook(&[(gitea_header, good), (hub_header, hub)]), Ok(()));
    let wrong = &*sign(OTHER, body);
    for (values, refusal) in [
        (&[][..], Refusal::Unsigned),
        (&[(gitea_header, "")][..], Refusal::Unsigned),
        (&[(gitea_header, ""), (hub_header, "sha256=")][..], Refusal::Unsigned),
        (&[(gitea_header, ""), (hub_header, hub)][..], Refusal::Unsigned),
        (&[("x-hub-signature", "sha1=0123")][..], Refusal::OnlySha1),
        (&[("x-hub-signature", "")][..], Refusal::Unsigned),
        (&[(gitea_header, wrong)][..], Refusal::WrongSignature),
        (&[(gitea_header, &*good.to_uppercase())][..], Refusal::MalformedSignature),
        (&[(gitea_header, &good[..63])][..], Refusal::MalformedSignature),
        (&[(gitea_header, &good[..62])][..], Refusal::MalformedSignature),
        (&[(gitea_header, &*format!("{good}00"))][..], Refusal::MalformedSignature),
        (&[(gitea_header, hub)][..], Refusal::MalformedSignature),
        (&[(hub_header, good)][..], Refusal::MalformedSignature),
        (&[(hub_header, &*format!("SHA256={good}"))][..], Refusal::MalformedSignature),
        (&[(hub_header, &*format!("sha1={good}"))][..], Refusal::MalformedSignature),
        (&[(gitea_header, good), (gitea_header, good)][..], Refusal::MalformedSignature),
        (&[(gitea_header, good), (hub_header, &*format!("sha256={wrong}"))][..], Refusal::MalformedSignature),
        (&[(gitea_header, wrong), (hub_header, hub)][..], Refusal::MalformedSignature),
    ] {
        assert_eq!(hook(values), Err(refusal), "{values:?}");
    }
}

#[test]
fn the_signature_is_of_the_raw_bytes() {
    let webhooks = webhooks(SECRET);
    let (sent, again) = (b"{\"a\":  1}".as_slice(), b"{\"a\":1}".as_slice());
    assert_eq!(judged(&webhooks, &[("x-gitea-signature", &sign(SECRET, again))], sent), Err(Refusal::WrongSignature));
    assert_eq!(judged(&webhooks, &[("x-gitea-signature", &sign(SECRET, sent))], sent), Ok(()));
}

#[test]
fn two_secrets_are_live_while_one_is_changed() {
    let body = b"{}".as_slice();
    let live = |secrets: &str| {
        let webhooks = webhooks(secrets);
        [SECRET, OTHER].map(|secret| judged(&webhooks, &[("x-gitea-signature", &sign(secret, body))], body).is_ok())
    };
    assert_eq!(live(SECRET), [true, false]);
    assert_eq!(live(&format!("{OTHER},{SECRET}")), [true, true]);
    assert_eq!(live(OTHER), [false, true]);
}

#[test]
fn without_a_secret_nothing_is_let_in() {
    let off = Webhooks::new(None);
    assert!(!off.are_on());
    assert_eq!(judged(&off, &[("x-gitea-signature", &sign("", b"{}"))], b"{}"), Err(Refusal::Off));
}

#[test]
fn random_bytes_are_never_let_in_and_never_panic() {
    let webhooks = webhooks(SECRET);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let pieces = [
        "sha256=",
        "",
        "=",
        ";",
        "charset=utf-8",
        "application/json",
        "0",
        "f",
        "G",
        "\u{fffd}",
        "{\"ref\":[",
        "\"\\ud800\"",
        "}",
    ];
    let names =
        ["x-gitea-signature", "x-hub-signature-256", "content-type", "content-encoding", "x-gitea-event", "x-hub-signature"];
    for _ in 0..20_000 {
        let mut headers = HeaderMap::new();
        for _ in 0..random() % 5 {
            let name = names[random() as usize % names.len()];
            let mut value: String = (0..random() % 4).map(|_| pieces[random() as usize % pieces.len()]).collect();
            if random() % 3 == 0 {
                value.extend((0..64).map(|_| char::from(b"0123456789abcdef"[random() as usize % 16])));
            }
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let mut body: Vec<u8> = (0..random() % 40).map(|_| random() as u8).collect();
        body.extend(pieces[random() as usize % pieces.len()].as_bytes());
        let delivery = Delivery::of_headers(&headers).with_body(&body);
        assert!(delivery.event.is_none_or(|event| !event.chars().any(char::is_control)));
        if let Ok((verifier, claim)) = webhooks.open(&headers) {
            assert!(!verifier.holds(&claim, &body));
        }
    }
}

#[test]
fn what_is_shown_is_bounded_and_harmless() {
    let long = "x".repeat(100_000);
    let body = format!(
        r#"{{"ref":"refs/heads/\u001b[2Ja\u202eb","after":{{}},"repository":{{"full_name":"{long}"}},"pusher":{{"login":"ada"}}}}"#
    );
    let delivery = Delivery::of_headers(&headers(&[("x-gitea-event", "push")])).with_body(body.as_bytes());
    assert_eq!(delivery.reference.as_deref(), Some("refs/heads/\u{fffd}[2Ja\u{fffd}b"));
    assert_eq!(delivery.repository.map(|text| text.chars().count()), Some(201));
    assert_eq!((delivery.after, delivery.event.as_deref(), delivery.pusher.as_deref()), (None, Some("push"), Some("ada")));
    let deep = "[".repeat(500_000);
    for body in ["", "null", "[]", "7", "{\"repository\": null}", "{\"repository\": []}", "\u{feff}{}", deep.as_str()] {
        assert_eq!(Delivery::default().with_body(body.as_bytes()), Delivery::default(), "{}", &body[..body.len().min(40)]);
    }
}

#[test]
fn every_refusal_has_its_word() {
    for refusal in Refusal::ALL {
        assert_eq!(Refusal::from_word(refusal.word()), Some(refusal));
        assert!(refusal.status().is_client_error(), "{refusal:?}");
    }
    assert_eq!(Refusal::from_word("Accepted"), None);
}

#[tokio::test]
async fn the_last_webhooks_are_shown_at_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("pulse.db").display());
    let store = Store::open(&url, "test").await.unwrap();
    let ledger = Arc::new(Ledger::default());
    let of = |delivery: &str| Delivery { event: Some("push".into()), delivery: Some(delivery.into()), ..Delivery::default() };
    ledger.accepted(["ops".to_owned()], &of("1"));
    ledger.refused(Refusal::WrongSignature, of("2"));
    ledger.refused(Refusal::NotJson, of("3"));
    ledger.refused(Refusal::WrongSignature, of("4"));
    let strangers = [Refusal::WrongSignature, Refusal::Unsigned, Refusal::NotPost];
    for _ in 0..1000 {
        strangers.into_iter().for_each(|refusal| ledger.refused(refusal, Delivery::default()));
    }
    assert!(store.webhooks().await.unwrap().is_empty(), "nothing waits for the database");
    judge(&ledger.last(&store).await.unwrap());

    let (stop, stopping) = watch::channel(false);
    let writer = tokio::spawn({
        let (ledger, store) = (Arc::clone(&ledger), store.clone());
        async move { ledger.run(store, stopping).await }
    });
    stop.send_replace(true);
    writer.await.unwrap();
    let rows: BTreeSet<_> = store.webhooks().await.unwrap().into_iter().map(|row| row.unwrap().source).collect();
    let expected = ["*/NotJson", "*/NotPost/other", "*/Unsigned/other", "*/WrongSignature", "*/WrongSignature/other", "ops"]
        .map(str::to_owned);
    assert_eq!(rows, BTreeSet::from(expected), "however many came");
    judge(&Ledger::default().last(&store).await.unwrap());
}

/// What is shown after all of that.
fn judge(seen: &Last) {
    let delivery = |last: Option<&LastWebhook>| last.and_then(|last| last.delivery.delivery.clone());
    assert_eq!(delivery(seen.of_all()).as_deref(), Some("4"), "a stranger hides nothing");
    assert_eq!((delivery(seen.about("ops")).as_deref(), delivery(seen.accepted("ops")).as_deref()), (Some("4"), Some("1")));
    assert!(seen.about("another").is_some_and(|last| !last.accepted) && seen.accepted("another").is_none());
    let refused: Vec<_> = seen.refused().iter().map(|last| (last.reason.as_str(), last.delivery.delivery.as_deref())).collect();
    let expected = [("WrongSignature", Some("4")), ("NotJson", Some("3")), ("NotPost", None), ("Unsigned", None)];
    assert_eq!(refused, expected, "the last of each reason");
}

#[tokio::test]
async fn where_only_strangers_knocked_they_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}", folder.path().join("pulse.db").display()), "test").await.unwrap();
    let ledger = Ledger::default();
    ledger.refused(Refusal::Unsigned, Delivery::default());
    let seen = ledger.last(&store).await.unwrap();
    assert_eq!(seen.about("ops").map(|last| last.reason.as_str()), Some("Unsigned"));
    ledger.accepted(["ops".to_owned()], &Delivery::default());
    ledger.refused(Refusal::Unsigned, Delivery::default());
    let seen = ledger.last(&store).await.unwrap();
    assert_eq!(seen.about("ops").map(|last| last.accepted), Some(true), "whoever signed is no stranger");
}
