//! `who` of a prompt: those whom it names answer, and nobody else.

use crate::harness::{Answer, Server, flow};
use serde_json::json;

const ASK: &str = "{id: ask, type: prompt, message: \"Go on?\", options: [\"Yes\"], who: [\"group:dba\", \"user:carl\"]}";

fn as_user(server: &Server, user: &str, groups: &str, method: &str, path: &str, body: &str) -> Answer {
    let headers = [("remote-user", user), ("remote-groups", groups)];
    let session = server.send("GET", "/api/v1/session", None, &headers, b"").ok();
    let csrf = session["csrf"].as_str().unwrap();
    let all: Vec<_> = headers.iter().chain(&[("x-pulse-csrf", csrf), ("content-type", "application/json")]).copied().collect();
    server.send(method, path, None, &all, body.as_bytes())
}

#[test]
fn a_prompt_is_answered_by_those_whom_it_names() {
    let server = Server::behind("127.0.0.1", &[("w.yaml", &flow("ask", "", &[ASK]))]);
    let prompt = server.asks("ask");
    assert_eq!(prompt["who"], json!(["group:dba", "user:carl"]));
    let path = format!("/api/v1/prompts/{}", prompt["id"].as_str().unwrap());
    let look = |user: &str, groups: &str| as_user(&server, user, groups, "GET", &path, "").ok()["mayAnswer"].clone();
    assert_eq!(
        (look("boss", "admin"), look("dora", "viewer,dba"), look("carl", "viewer")),
        (json!(false), json!(true), json!(true))
    );
    let answer =
        |user: &str, groups: &str| as_user(&server, user, groups, "POST", &format!("{path}/answer"), r#"{"answer": "Yes"}"#);
    let refused = answer("boss", "admin");
    refused.refused(403, "forbidden");
    assert!(refused.json()["detail"].as_str().unwrap().contains("group:dba"), "{}", refused.json());
    answer("vera", "viewer").refused(403, "forbidden");
    assert_eq!(answer("dora", "viewer,dba").status, 200);
    assert_eq!(server.get(&path).ok()["answeredBy"], "dora");
}
