//! No secret is ever in the log: not in a list, not in an export, not in the database's file.

use super::{rows, sealed};
use crate::harness::{Server, workflow};
use serde_json::json;

/// What would be found if it came through anywhere.
const CANARY: &str = "canary-6f1d2c";

#[test]
fn no_token_and_no_value_is_ever_in_a_row() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let _agent = server.agent("web-1");
    let json = [("content-type", "application/json")];
    let mut secrets = vec!["a-token-for-tests".to_owned(), CANARY.to_owned()];
    let made = server.post("/api/v1/tokens", &json!({ "name": "ci", "roles": ["operator"], "reason": "pipeline" })).ok();
    let glass = server.post("/api/v1/tokens/break-glass", &json!({ "name": "anna", "reason": "need" })).ok();
    let enrol = server.post("/api/v1/agents/tokens", &json!({})).ok();
    for made in [&made, &glass, &enrol] {
        let token = made["token"].as_str().unwrap();
        secrets.push(token.to_owned());
        secrets.push(token.rsplit('_').next().unwrap().to_owned());
    }
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    server
        .send("POST", "/api/v1/executions", Some(&bearer), &json, br#"{"workflow": "a", "params": {"who": "canary-6f1d2c"}}"#)
        .ok();
    let session = server.send("POST", "/api/v1/session", None, &json, br#"{"token": "a-token-for-tests"}"#);
    let cookie = session.header("set-cookie").split(';').next().unwrap().to_owned();
    secrets.push(cookie.split('=').nth(1).unwrap().to_owned());
    let csrf = server.send("GET", "/api/v1/session", None, &[("cookie", &cookie)], b"").ok()["csrf"].as_str().unwrap().to_owned();
    let headers = [("cookie", cookie.as_str()), ("x-pulse-csrf", csrf.as_str()), json[0]];
    server.send("POST", "/api/v1/pauses", None, &headers, br#"{"scope": "all", "reason": "x"}"#).ok();
    secrets.push(csrf.clone());
    // What nobody takes, wherever it stands.
    for (path, bearer, headers, body) in [
        ("/api/v1/executions", format!("Bearer {CANARY}"), &[][..], json!({})),
        (
            "/api/v1/executions",
            server.bearer(),
            &[("idempotency-key", CANARY), ("cookie", CANARY)][..],
            json!({ "workflow": "a", CANARY: 1 }),
        ),
        ("/api/v1/executions", server.bearer(), &[], json!({ "workflow": "a", "params": { "token": CANARY } })),
        ("/api/v1/session", String::new(), &[], json!({ "token": CANARY })),
        (
            "/api/v1/tokens",
            server.bearer(),
            &[("authorization-proxy", CANARY)],
            json!({ "name": "x", "roles": ["viewer"], "secret": CANARY }),
        ),
        ("/api/v1/executions?token=canary-6f1d2c", server.bearer(), &[], json!({ "workflow": "none" })),
    ] {
        let headers: Vec<_> = headers.iter().chain(&json).copied().collect();
        let answer = server.send(
            "POST",
            path,
            Some(&bearer).filter(|bearer| !bearer.is_empty()).map(String::as_str),
            &headers,
            body.to_string().as_bytes(),
        );
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
    }
    sealed(&server);
    let listed = serde_json::to_string(&rows(&server)).unwrap();
    let exported = String::from_utf8(server.get("/api/v1/audit/export").body).unwrap();
    assert!(listed.contains("execution.start") && exported.lines().count() > 10);
    for secret in &secrets {
        assert!(secret.len() >= 10, "{secret} could be found anywhere");
        assert!(!listed.contains(secret.as_str()) && !exported.contains(secret.as_str()), "{secret} is in the log");
    }
}
