use super::payload::{PUSH, headers, sign};
use crate::harness::{Answer, Server, workflow};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

pub const PATH: &str = "/webhooks/gitea";
pub const SECRET: &str = "the-secret-of-the-tests";
const OTHER: &str = "the-other-secret-of-the-tests";

/// Delivers with these headers, without any token.
fn deliver(server: &Server, headers: &[(&str, String)], body: &[u8]) -> Answer {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    server.send("POST", PATH, None, &headers, body)
}

/// A header replaced; removed where there is no value.
fn with(mut headers: Vec<(&'static str, String)>, name: &'static str, value: Option<&str>) -> Vec<(&'static str, String)> {
    headers.retain(|(other, _)| *other != name);
    headers.extend(value.map(|value| (name, value.to_owned())));
    headers
}

fn last(server: &Server) -> Value {
    server.get("/api/v1/syncs").ok()["lastWebhook"].clone()
}

#[test]
fn a_push_makes_the_source_be_looked_at() {
    let server = Server::hooked(&[("a.yaml", &workflow("a", "echo 1"))], SECRET);
    // The loop has made its first look and waits: what it does next, it was told to.
    let waiting = server.until("/api/v1/sources/default", |source| source["nextLook"].is_string());
    let before = waiting["lastLook"].clone();
    let answer = deliver(&server, &headers(SECRET, "push", PUSH.as_bytes()), PUSH.as_bytes());
    assert_eq!(answer.status, 202);
    let said =
        json!({"accepted": true, "event": "push", "delivery": "f6266f16-1bf3-46a5-9ea4-602e06ead473", "sources": ["default"]});
    assert_eq!(answer.ok(), said);
    server.until("/api/v1/sources/default", |source| source["lastLook"] != before);
    let last = last(&server);
    let shown = ["accepted", "reason", "event", "repository", "ref", "after", "pusher"].map(|field| last[field].clone());
    let after = "3f9c2d1a7b8e4f60a1c2d3e4f5061728394a5b6c";
    let expected = [
        json!(true),
        json!("Accepted"),
        json!("push"),
        json!("ops/runbooks"),
        json!("refs/heads/main"),
        json!(after),
        json!("ada"),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn every_wrong_signature_is_the_same_401_and_people_see_which_it_was() {
    let server = Server::hooked(&[], SECRET);
    let body = PUSH.as_bytes();
    let good = sign(SECRET, body);
    let all = || headers(SECRET, "push", body);
    let gitea = |value: &str| with(with(all(), "x-hub-signature-256", None), "x-gitea-signature", Some(value));
    let hub = |value: &str| with(with(all(), "x-gitea-signature", None), "x-hub-signature-256", Some(value));
    let parsed = serde_json::from_slice::<Value>(body).unwrap().to_string();
    let twice = |name: &'static str, value: &str| {
        let mut headers = all();
        headers.push((name, value.to_owned()));
        headers
    };
    let neither = with(gitea(""), "x-gitea-signature", None);
    for (what, headers, reason) in [
        ("wrong secret", headers(OTHER, "push", body), "WrongSignature"),
        ("of the parsed body", gitea(&sign(SECRET, parsed.as_bytes())), "WrongSignature"),
        ("truncated", gitea(&good[..62]), "MalformedSignature"),
        ("uppercase", gitea(&good.to_uppercase()), "MalformedSignature"),
        ("a prefix where there is none", gitea(&format!("sha256={good}")), "MalformedSignature"),
        ("no prefix where there is one", hub(&good), "MalformedSignature"),
        ("SHA-1 only", neither.clone(), "OnlySha1"),
        ("none", with(neither, "x-hub-signature", None), "Unsigned"),
        ("empty", gitea(""), "Unsigned"),
        ("as Gitea sends it without a secret", with(gitea(""), "x-hub-signature-256", Some("sha256=")), "Unsigned"),
        ("twice", twice("x-gitea-signature", &good), "MalformedSignature"),
        ("twice in the other form", twice("x-hub-signature-256", &format!("sha256={good}")), "MalformedSignature"),
        ("disagreeing", with(all(), "x-hub-signature-256", Some(&format!("sha256={}", sign(OTHER, body)))), "MalformedSignature"),
    ] {
        let problem = deliver(&server, &headers, body).refused(401, "bad_signature");
        assert_eq!(problem["detail"], "the delivery is not signed with this controller's webhook secret", "{what}");
        assert!(problem["help"].as_str().unwrap().contains("PULSE_WEBHOOK_SECRET"), "{what}");
        assert!(!problem.to_string().contains(&good) && !problem.to_string().contains(SECRET), "{what}: {problem}");
        let last = last(&server);
        assert_eq!((&last["accepted"], &last["reason"]), (&json!(false), &json!(reason)), "{what}");
    }
    assert_eq!(deliver(&server, &hub(&format!("sha256={good}")), body).status, 202, "either header alone will do");
    assert_eq!(deliver(&server, &gitea(&good), body).status, 202);
}

#[test]
fn only_json_as_it_stands_is_taken() {
    let server = Server::hooked(&[], SECRET);
    let body = PUSH.as_bytes();
    let form = format!("payload={}", PUSH.replace([' ', '\n'], "+"));
    for kind in [
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("text/plain"),
        Some("application/json; charset=utf-7"),
        Some("application/json; charset=utf-16"),
        None,
    ] {
        let problem = deliver(&server, &with(headers(SECRET, "push", body), "content-type", kind), body).refused(415, "not_json");
        assert_eq!(problem["help"], "set Gitea's content type to application/json", "{kind:?}");
    }
    let as_form = with(headers(SECRET, "push", form.as_bytes()), "content-type", Some("application/x-www-form-urlencoded"));
    deliver(&server, &as_form, form.as_bytes()).refused(415, "not_json");
    for encoding in ["gzip", "identity", ""] {
        let encoded = with(headers(SECRET, "push", body), "content-encoding", Some(encoding));
        deliver(&server, &encoded, body).refused(415, "encoded_body");
    }
    let utf8 = with(headers(SECRET, "push", body), "content-type", Some("application/json; charset=utf-8"));
    assert_eq!(deliver(&server, &utf8, body).status, 202);
}

#[test]
fn a_body_has_its_bound() {
    let server = Server::hooked(&[], SECRET);
    let sized = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8)).into_bytes();
    let (fits, too_large) = (sized(1024 * 1024), sized(1024 * 1024 + 1));
    assert_eq!(deliver(&server, &headers(SECRET, "push", &fits), &fits).status, 202);
    deliver(&server, &headers(SECRET, "push", &too_large), &too_large).refused(413, "body_too_large");
    assert_eq!(last(&server)["reason"], "TooLarge");
}

#[test]
fn what_is_signed_is_a_hint_whatever_it_says() {
    let server = Server::hooked(&[], SECRET);
    for body in ["", "null", "[]", "not json", "{\"ref\": 7}", "{\"repository\": null, \"ref\": []}", "\u{feff}{}"] {
        let answer = deliver(&server, &headers(SECRET, "repository", body.as_bytes()), body.as_bytes());
        assert_eq!(answer.status, 202, "{body:?}");
        let last = last(&server);
        assert_eq!((&last["event"], &last["ref"]), (&json!("repository"), &Value::Null), "{body:?}");
    }
    for event in ["ping", "create", "delete", "pull_request", "an event of the future"] {
        assert_eq!(deliver(&server, &headers(SECRET, event, b"{}"), b"{}").ok()["event"], event);
    }
}

#[test]
fn both_secrets_are_live_while_one_is_changed() {
    let server = Server::hooked(&[], &format!("{OTHER},{SECRET}"));
    let by = |secret: &str| deliver(&server, &headers(secret, "push", b"{}"), b"{}").status;
    assert_eq!([SECRET, OTHER, "a-third-secret-of-nobody"].map(by), [202, 202, 401]);
}

#[test]
fn without_a_secret_webhooks_are_off() {
    let server = Server::start();
    for secret in [SECRET, ""] {
        let problem = deliver(&server, &headers(secret, "push", b"{}"), b"{}").refused(404, "webhooks_off");
        assert!(problem["help"].as_str().unwrap().contains("set PULSE_WEBHOOK_SECRET"), "{problem}");
    }
    assert_eq!(server.get("/api/v1/sources/default").ok()["webhook"]["enabled"], false);
    assert_eq!(last(&server)["reason"], "Off");
}

#[test]
fn a_token_is_no_signature_and_a_signature_is_no_token() {
    let server = Server::hooked(&[], SECRET);
    let json = [("content-type", "application/json")];
    server.send("POST", PATH, Some(&server.bearer()), &json, b"{}").refused(401, "bad_signature");
    let signed = headers(SECRET, "push", b"{}");
    let signed: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    server.send("POST", "/api/v1/syncs", None, &signed, b"{}").refused(401, "unauthorized");
    server.send("PUT", PATH, None, &signed, b"{}").refused(401, "unauthorized");
}

#[test]
fn what_is_refused_does_not_hide_what_was_let_in() {
    let server = Server::hooked(&[], SECRET);
    deliver(&server, &headers(SECRET, "push", PUSH.as_bytes()), PUSH.as_bytes()).ok();
    for _ in 0..100 {
        deliver(&server, &headers(OTHER, "push", b"{}"), b"{}").refused(401, "bad_signature");
    }
    let source = server.get("/api/v1/sources/default").ok();
    assert_eq!(source["lastWebhook"]["reason"], "WrongSignature");
    assert_eq!(source["lastAcceptedWebhook"]["after"], "3f9c2d1a7b8e4f60a1c2d3e4f5061728394a5b6c");
    let help = source["lastWebhook"]["help"].as_str().unwrap();
    assert_eq!(help, "set the same secret in Gitea's webhook and in PULSE_WEBHOOK_SECRET");
    let reconciled = server.post("/api/v1/syncs", &json!({})).ok();
    assert_eq!(reconciled["lastWebhook"]["reason"], "WrongSignature", "{reconciled}");
}

#[test]
fn strangers_do_not_hide_why_gitea_s_own_was_refused() {
    let server = Server::hooked(&[], SECRET);
    deliver(&server, &headers(OTHER, "push", PUSH.as_bytes()), PUSH.as_bytes()).refused(401, "bad_signature");
    let strangers = [("content-type", "application/json".to_owned())];
    let signed = with(strangers.to_vec(), "x-gitea-signature", Some(&"0".repeat(64)));
    for _ in 0..500 {
        deliver(&server, &strangers, b"{}").refused(401, "bad_signature");
        deliver(&server, &signed, b"{}").refused(401, "bad_signature");
    }
    server.send("GET", PATH, None, &[], b"").refused(405, "wrong_method");
    let source = server.get("/api/v1/sources/default").ok();
    let reconciled = server.post("/api/v1/syncs", &json!({})).ok();
    for last in [&last(&server), &source["lastWebhook"], &reconciled["lastWebhook"]] {
        let shown = ["reason", "event", "delivery"].map(|field| last[field].as_str().unwrap_or_default());
        assert_eq!(shown, ["WrongSignature", "push", "f6266f16-1bf3-46a5-9ea4-602e06ead473"], "{last}");
    }
    let refused = source["refusedWebhooks"].as_array().unwrap().iter();
    let refused: Vec<_> = refused.map(|one| (one["reason"].as_str().unwrap(), one["delivery"].is_string())).collect();
    assert_eq!(refused, [("WrongSignature", true), ("NotPost", false), ("Unsigned", false)]);
}

/// A connection with the head of a signed delivery of so many bytes, and nothing of its body.
fn begin(server: &Server, length: usize) -> TcpStream {
    let mut head = format!("POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n");
    headers(SECRET, "push", b"{}").iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    let mut stream = TcpStream::connect(server.serving().address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    stream
}

/// The beginning of the answer's first line.
fn status(mut stream: &TcpStream) -> String {
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    String::from_utf8(status.to_vec()).unwrap()
}

#[test]
fn a_body_that_stalls_or_ends_early_is_given_up() {
    let server = Server::hooked(&[], SECRET);
    let begin = || {
        let mut stream = begin(&server, 2);
        stream.write_all(b"{").unwrap();
        stream
    };
    let stalled = begin();
    assert_eq!(status(&stalled), "HTTP/1.1 408");
    assert_eq!(last(&server)["reason"], "TooSlow");
    let cut = begin();
    cut.shutdown(Shutdown::Write).unwrap();
    server.until("/api/v1/syncs", |syncs| syncs["lastWebhook"]["reason"] == "CutOff");
}

#[test]
fn connections_that_stall_keep_no_delivery_out() {
    let server = Server::hooked(&[], SECRET);
    // Silent from the first byte of the body on, or after some of it.
    let mut stalled: Vec<TcpStream> = (0..64).map(|_| begin(&server, 1024 * 1024)).collect();
    for stream in stalled.iter_mut().skip(32) {
        stream.write_all(&[b'['; 1000]).unwrap();
    }
    for _ in 0..32 {
        assert_eq!(deliver(&server, &headers(SECRET, "push", PUSH.as_bytes()), PUSH.as_bytes()).status, 202);
    }
    for stream in &stalled {
        assert_eq!(status(stream), "HTTP/1.1 408");
    }
}
