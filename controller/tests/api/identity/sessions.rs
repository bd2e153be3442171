//! Sessions of browsers.

use crate::harness::{Answer, Server};
use serde_json::json;

fn sign_in(server: &Server, token: &str, headers: &[(&str, &str)]) -> Answer {
    let headers: Vec<_> = headers.iter().chain(&[("content-type", "application/json")]).copied().collect();
    server.send("POST", "/api/v1/session", None, &headers, json!({ "token": token }).to_string().as_bytes())
}

/// The cookie as the browser sends it back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[test]
fn a_session_is_begun_with_a_token_and_ended() {
    let mut server = Server::start();
    let answer = sign_in(&server, "a-token-for-tests", &[]);
    assert_eq!(answer.status, 204);
    let line = answer.header("set-cookie");
    assert!(
        line.starts_with("pulse=") && line.contains("HttpOnly") && line.contains("SameSite=Lax") && line.contains("Path=/"),
        "{line}"
    );
    let cookie = cookie(&answer);
    let look = |server: &Server| server.send("GET", "/api/v1/session", None, &[("cookie", &cookie)], b"");
    let session = look(&server).ok();
    assert_eq!(session["principal"]["means"], "admin_token");
    let csrf = session["csrf"].as_str().unwrap().to_owned();
    // The next controller knows it, too.
    server.restart();
    assert_eq!(look(&server).ok()["csrf"], csrf.as_str());
    let end = |headers: &[(&str, &str)]| server.send("DELETE", "/api/v1/session", None, headers, b"");
    end(&[("cookie", &cookie)]).refused(403, "csrf");
    assert_eq!(end(&[("cookie", &cookie), ("x-pulse-csrf", &csrf)]).status, 204);
    look(&server).refused(401, "unauthorized");
}

#[test]
fn a_wrong_token_and_another_page_begin_none() {
    let server = Server::start();
    sign_in(&server, "wrong", &[]).refused(401, "unauthorized");
    sign_in(&server, "a-token-for-tests", &[("origin", "https://evil.example")]).refused(403, "foreign_origin");
    sign_in(&server, "a-token-for-tests", &[("sec-fetch-site", "cross-site")]).refused(403, "foreign_origin");
    let plain =
        server.send("POST", "/api/v1/session", None, &[("content-type", "text/plain")], br#"{"token": "a-token-for-tests"}"#);
    plain.refused(415, "not_json");
    let stranger = server.send("GET", "/api/v1/session", None, &[("cookie", "pulse=0123")], b"");
    stranger.refused(401, "unauthorized");
    assert!(stranger.json()["providers"].is_array());
}

#[test]
fn a_session_ends_with_its_token() {
    let server = Server::start();
    let made = server.post("/api/v1/tokens", &json!({"name": "anna", "roles": ["viewer"]})).ok();
    let cookie = cookie(&sign_in(&server, made["token"].as_str().unwrap(), &[]));
    let look = || server.send("GET", "/api/v1/workflows", None, &[("cookie", &cookie)], b"");
    assert_eq!(look().status, 200);
    server.delete(&format!("/api/v1/tokens/{}", made["id"].as_str().unwrap()));
    look().refused(401, "unauthorized");
}

#[test]
fn a_session_that_nobody_used_for_long_has_ended() {
    let mut server = Server::start();
    let cookie = cookie(&sign_in(&server, "a-token-for-tests", &[]));
    let look = |server: &Server| server.send("GET", "/api/v1/workflows", None, &[("cookie", &cookie)], b"").status;
    assert_eq!(look(&server), 200);
    server.meddle("UPDATE browser_sessions SET seen_at = seen_at - 9 * 3600000000");
    server.restart();
    assert_eq!(look(&server), 401);
    server.meddle("UPDATE browser_sessions SET seen_at = seen_at + 9 * 3600000000, expires_at = 1");
    server.restart();
    assert_eq!(look(&server), 401);
}

#[test]
fn another_page_opens_no_socket_with_our_cookie_and_an_agent_is_no_page() {
    let server = Server::start();
    let cookie = cookie(&sign_in(&server, "a-token-for-tests", &[]));
    let socket = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let open = |path: &str, more: &[(&str, &str)]| {
        let headers: Vec<_> = socket.iter().chain(more).copied().collect();
        server.send("GET", path, None, &headers, b"")
    };
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        open("/api/v1/events", &[("cookie", &cookie), ("origin", origin)]).refused(403, "foreign_origin");
    }
    open("/api/v1/events", &[("cookie", &cookie)]).refused(403, "foreign_origin");
    open("/api/v1/agents/session", &[("origin", &server.url(""))]).refused(403, "foreign_origin");
    open("/api/v1/agents/session", &[("cookie", &cookie)]).refused(403, "foreign_origin");
}
