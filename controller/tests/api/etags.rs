//! `ETag`, `If-None-Match`, `If-Match`.

use crate::harness::{Server, flow, workflow};
use serde_json::json;

#[test]
fn whoever_has_an_object_as_it_is_need_not_have_it_again() {
    let server = Server::with(&[("w.yaml", &workflow("w", "echo a"))]);
    let path = "/api/v1/workflows/w";
    let first = server.get(path);
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() > 10, "{first:?}");
    let with = |tag: &str| server.send("GET", path, Some(&server.bearer()), &[("if-none-match", tag)], b"");
    for known in [tag.as_str(), &format!("W/{tag}"), &format!("\"other\", {tag}"), "*"] {
        let again = with(known);
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag.as_str()), "{known}");
    }
    assert_eq!(with("\"other\"").status, 200);
    let head = server.send("HEAD", path, Some(&server.bearer()), &[], b"");
    assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, tag.as_str()));
    std::fs::write(server.source("w.yaml"), workflow("w", "echo b")).unwrap();
    server.post("/api/v1/syncs", &json!({})).ok();
    let changed = with(&tag);
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), tag);
    assert_eq!(server.get("/api/v1/workflows").header("etag"), "", "a list has none");
}

#[test]
fn a_change_can_be_made_to_depend_on_what_was_seen() {
    let ask = flow("ask", "", &["{id: ask, type: prompt, message: sure?, options: ['yes', 'no']}"]);
    let server = Server::with(&[("ask.yaml", &ask)]);
    let prompt = server.asks("ask");
    let execution = format!("/api/v1/executions/{}", prompt["execution"].as_str().unwrap());
    let path = format!("/api/v1/prompts/{}", prompt["id"].as_str().unwrap());
    let seen = server.get(&path).header("etag").to_owned();
    let answer = |path: &str, body, tag: &str| server.post_with(path, &body, &[("if-match", tag)]);
    answer(&format!("{path}/answer"), json!({ "answer": "yes" }), "\"other\"").refused(412, "precondition_failed");
    assert_eq!(server.get(&path).ok()["status"], "open", "nothing was done");
    answer(&format!("{path}/answer"), json!({ "answer": "yes" }), &seen).ok();
    answer(&format!("{path}/answer"), json!({ "answer": "yes" }), &seen).refused(412, "precondition_failed");
    let ended = server.until(&execution, |execution| execution["status"] == "succeeded");
    assert_eq!(ended["status"], "succeeded");
    for verb in ["cancel", "retry"] {
        answer(&format!("{execution}/{verb}"), json!({}), "\"other\"").refused(412, "precondition_failed");
    }
    let pause = server.post("/api/v1/pauses", &json!({ "scope": "all", "reason": "test" })).ok();
    let pause = format!("/api/v1/pauses/{}", pause["id"].as_str().unwrap());
    let tag = server.get(&pause).header("etag").to_owned();
    let end = |tag: &str| server.send("DELETE", &pause, Some(&server.bearer()), &[("if-match", tag)], b"");
    end("\"other\"").refused(412, "precondition_failed");
    end(&tag).ok();
    let unknown = server.post_with("/api/v1/executions/ask%2399/cancel", &json!({}), &[("if-match", "*")]);
    unknown.refused(404, "no_such_execution");
}

#[test]
fn a_header_that_would_count_for_nothing_is_refused() {
    let server = Server::start();
    let with = |path: &str, header| server.post_with(path, &json!({}), &[header]).refused(400, "bad_header");
    with("/api/v1/syncs", ("if-match", "\"a\""));
    for path in ["/api/v1/pauses", "/api/v1/agents/tokens", "/api/v1/tokens", "/api/v1/syncs", "/api/v1/executions/x/cancel"] {
        with(path, ("idempotency-key", "k"));
    }
}
