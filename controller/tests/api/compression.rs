//! Answers are compressed for those who ask for it, but for small and for secret ones.

use crate::harness::Server;
use serde_json::json;

const GZIP: (&str, &str) = ("accept-encoding", "gzip");

#[test]
fn large_answers_are_compressed_and_small_ones_are_not() {
    let server = Server::start();
    let plain = server.get("/openapi.json");
    let packed = server.send("GET", "/openapi.json", None, &[GZIP], b"");
    assert_eq!((packed.status, packed.header("content-encoding"), packed.header("vary")), (200, "gzip", "accept-encoding"));
    assert!(packed.body.starts_with(&[0x1f, 0x8b]) && packed.body.len() * 4 < plain.body.len(), "{}", packed.body.len());
    let small = server.send("GET", "/health", None, &[GZIP], b"");
    assert_eq!(small.header("content-encoding"), "");
    assert_eq!(plain.header("content-encoding"), "", "nobody asked for it");
}

#[test]
fn a_secret_is_never_compressed() {
    let server = Server::start();
    let names: Vec<String> = (0..200).map(|number| format!("agent-{number}")).collect();
    let made = server.post_with("/api/v1/agents/tokens", &json!({ "names": names }), &[GZIP]);
    assert!(made.body.len() > 1024);
    assert_eq!((made.status, made.header("content-encoding"), made.header("cache-control")), (201, "", "no-store"));
    let body = json!({ "name": "t", "roles": ["viewer"], "reason": "x".repeat(999) });
    let made = server.post_with("/api/v1/tokens", &body, &[GZIP]);
    assert!(made.body.len() > 1024);
    assert_eq!((made.status, made.header("content-encoding"), made.header("cache-control")), (201, "", "no-store"));
}

#[test]
fn nobody_keeps_what_a_browser_proves_itself_with() {
    let server = Server::start();
    let session = server.get("/api/v1/session");
    assert_eq!((session.status, session.header("cache-control")), (200, "no-store"));
}

#[test]
fn a_compressed_object_has_a_tag_of_its_own_that_names_the_same_state() {
    let server = Server::with(&[("w.yaml", &crate::harness::workflow("w", &"true; ".repeat(400)))]);
    let path = "/api/v1/workflows/w";
    let packed = server.send("GET", path, Some(&server.bearer()), &[GZIP], b"");
    let tag = packed.header("etag").to_owned();
    assert!(packed.header("content-encoding") == "gzip" && tag.ends_with("-gzip\""), "{packed:?}");
    let again = server.send("GET", path, Some(&server.bearer()), &[("if-none-match", tag.as_str())], b"");
    assert_eq!(again.status, 304);
}
