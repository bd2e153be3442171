//! What is so for every request: ids, bounds, unknown paths and methods.

use crate::harness::Server;
use serde_json::json;

#[test]
fn every_answer_has_an_id() {
    let server = Server::start();
    assert_eq!(server.get("/health").header("x-request-id").len(), 36);
    let own = server.send("GET", "/nothing", None, &[("x-request-id", "my-1.2_3")], b"");
    assert_eq!(own.header("x-request-id"), "my-1.2_3");
    let odd = server.send("GET", "/health", None, &[("x-request-id", "a b\"<script>")], b"");
    assert_eq!(odd.header("x-request-id").len(), 36);
}

#[test]
fn what_is_not_there_is_json_too() {
    let server = Server::start();
    server.get("/api/v1/nothing").refused(404, "no_such_path");
    server.delete("/api/v1/workflows").refused(405, "wrong_method");
    server.get("/api/v1/plan").refused(405, "wrong_method");
}

#[test]
fn bodies_are_bounded_and_of_a_known_form() {
    let server = Server::start();
    let send = |kind: &str, body: &[u8]| {
        server.send("POST", "/api/v1/executions", Some(&server.bearer()), &[("content-type", kind)], body)
    };
    send("text/plain", b"{}").refused(415, "not_json");
    send("application/x-www-form-urlencoded", b"workflow=a").refused(415, "not_json");
    let large = format!("{{\"workflow\": \"{}\"}}", "x".repeat(1024 * 1024));
    send("application/json", large.as_bytes()).refused(413, "body_too_large");
    let broken = send("application/json; charset=utf-8", b"{\n  \"workflow\": ,").refused(400, "bad_body");
    assert_eq!(broken["errors"][0]["line"], 2);
    let unknown = send("application/json", b"{\"workflow\": \"a\", \"dryrun\": true}").refused(400, "bad_body");
    assert!(unknown["detail"].as_str().unwrap().contains("unknown field `dryrun`"), "{unknown}");
    assert!(unknown["errors"][0]["column"].as_u64() > Some(1), "{unknown}");
    let list = send("application/json", b" [\"w\"]").refused(400, "bad_body");
    assert!(list["detail"].as_str().unwrap().contains("not a list"), "{list}");
    let empty = send("application/json", b"").refused(400, "bad_body");
    assert!(empty["detail"].as_str().unwrap().contains("missing field `workflow`"), "{empty}");
}

#[test]
fn parameters_of_the_query_are_known_and_of_their_form() {
    let server = Server::start();
    let unknown = server.get("/api/v1/executions?worklfow=a").refused(400, "bad_parameter");
    assert!(unknown["detail"].as_str().unwrap().contains("worklfow"), "{unknown}");
    let number = server.get("/api/v1/workflows?limit=many").refused(400, "bad_parameter");
    assert_eq!(number["errors"][0]["name"], "limit", "{number}");
    server.get("/api/v1/workflows?limit=0").refused(400, "bad_parameter");
    server.get("/api/v1/executions?cursor=x").refused(400, "bad_parameter");
    server.get("/api/v1/executions/%FF").refused(400, "bad_path");
}

#[test]
fn many_callers_at_once_are_all_answered() {
    let server = Server::start();
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..8).map(|_| scope.spawn(|| server.post("/api/v1/syncs", &json!({})).ok())).collect();
        let ids: Vec<_> = callers.into_iter().map(|caller| caller.join().unwrap()["id"].clone()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "nothing changed between them: {ids:?}");
    });
}

#[test]
fn every_route_is_in_the_documentation() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api.md")).unwrap();
    for (method, path, _) in pulse_controller::api::table() {
        let path = path.strip_prefix("/api/v1").unwrap_or(path);
        // The agents' own way in is the protocol's business, not the API's.
        assert!(path == "/agents/session" || page.contains(path), "docs/api.md says nothing of {method} {path}");
    }
}
