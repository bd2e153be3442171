//! A proxy that says who somebody is: believed by its address, and by nothing that it sends.

use crate::harness::{Answer, Server, workflow};
use serde_json::json;

const EMPLOYEE: [(&str, &str); 3] = [("remote-user", "anna"), ("remote-groups", "employee,dba"), ("remote-name", "Anna")];

fn ask(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    server.send("GET", path, None, headers, b"")
}

/// The token against forged requests that goes with these headers.
fn csrf(server: &Server, headers: &[(&str, &str)]) -> String {
    ask(server, "/api/v1/session", headers).ok()["csrf"].as_str().unwrap().to_owned()
}

#[test]
fn whom_a_trusted_proxy_names_comes_in_with_the_roles_of_their_groups() {
    let server = Server::behind("127.0.0.1", &[("w.yaml", &workflow("hello", "echo"))]);
    let session = ask(&server, "/api/v1/session", &EMPLOYEE).ok();
    assert_eq!(session["principal"]["name"], "anna");
    assert_eq!(session["principal"]["roles"], json!(["operator"]));
    assert_eq!(session["rights"], json!(["view", "run", "answer", "cancel", "resolve", "pause"]));
    let token = csrf(&server, &EMPLOYEE);
    server.agent("a1");
    let mut headers = EMPLOYEE.to_vec();
    headers.extend([("content-type", "application/json"), ("x-pulse-csrf", &token)]);
    let started = server.send("POST", "/api/v1/executions", None, &headers, br#"{"workflow": "hello"}"#).ok();
    let execution = server.get(&format!("/api/v1/executions/{}", started["id"].as_str().unwrap())).ok();
    assert_eq!(execution["startedBy"], "anna");
    let users = server.get("/api/v1/users").ok();
    assert_eq!(users["items"][0]["name"], "anna");
    assert_eq!(users["items"][0]["groups"], json!(["dba", "employee"]));
}

#[test]
fn a_foreign_group_is_403_and_no_name_is_401() {
    let server = Server::behind("127.0.0.1", &[]);
    ask(&server, "/api/v1/workflows", &[("remote-user", "anna"), ("remote-groups", "accounting")]).refused(403, "forbidden");
    ask(&server, "/api/v1/workflows", &[("remote-user", "anna")]).refused(403, "forbidden");
    ask(&server, "/api/v1/workflows", &[("remote-groups", "admin")]).refused(401, "unauthorized");
    ask(&server, "/api/v1/workflows", &[("remote-user", "")]).refused(401, "unauthorized");
    ask(&server, "/api/v1/workflows", &[]).refused(401, "unauthorized");
}

#[test]
fn nobody_else_is_believed_whatever_they_say_of_their_address() {
    for server in [Server::start(), Server::behind("10.1.2.3,::1", &[])] {
        let mut headers = vec![("remote-user", "admin"), ("remote-groups", "admin")];
        ask(&server, "/api/v1/workflows", &headers).refused(401, "unauthorized");
        headers.extend([("x-forwarded-for", "10.1.2.3"), ("x-real-ip", "10.1.2.3"), ("forwarded", "for=10.1.2.3")]);
        ask(&server, "/api/v1/workflows", &headers).refused(401, "unauthorized");
    }
}

#[test]
fn other_spellings_and_copies_are_400_from_anybody_on_any_route() {
    let server = Server::behind("127.0.0.1", &[]);
    for name in ["remote_user", "remote.user", "remoteuser", "Remote_Groups", "remote.groups", "http_remote_user"] {
        let with = [("remote-user", "anna"), ("remote-groups", "viewer"), (name, "admin")];
        for path in ["/api/v1/workflows", "/health", "/api/v1/session"] {
            ask(&server, path, &with).refused(400, "bad_identity_header");
        }
        let bearer = server.bearer();
        server.send("GET", "/api/v1/workflows", Some(&bearer), &[(name, "x")], b"").refused(400, "bad_identity_header");
    }
    let twice = [("remote-user", "anna"), ("Remote-User", "admin"), ("remote-groups", "admin")];
    ask(&server, "/api/v1/workflows", &twice).refused(400, "bad_identity_header");
    let long = "a".repeat(20_000);
    for value in ["a,b", "an\u{e9}\u{301}", long.as_str()] {
        ask(&server, "/api/v1/workflows", &[("remote-user", value), ("remote-groups", "admin")])
            .refused(400, "bad_identity_header");
    }
}

#[test]
fn a_page_of_somebody_else_cannot_use_what_the_proxy_adds() {
    let server = Server::behind("127.0.0.1", &[]);
    let token = csrf(&server, &EMPLOYEE);
    let send = |more: &[(&str, &str)]| {
        let headers: Vec<_> = EMPLOYEE.iter().chain(&[("content-type", "application/json")]).chain(more).copied().collect();
        server.send("POST", "/api/v1/pauses", None, &headers, br#"{"scope": "all", "reason": "x"}"#)
    };
    send(&[]).refused(403, "csrf");
    send(&[("x-pulse-csrf", "x")]).refused(403, "csrf");
    let evil = [("x-pulse-csrf", token.as_str()), ("origin", "https://evil.example")];
    send(&evil).refused(403, "foreign_origin");
    send(&[("x-pulse-csrf", &token), ("sec-fetch-site", "cross-site")]).refused(403, "foreign_origin");
    send(&[("x-pulse-csrf", &token), ("origin", "null")]).refused(403, "foreign_origin");
    let own = server.url("");
    assert_eq!(send(&[("x-pulse-csrf", &token), ("origin", &own), ("sec-fetch-site", "same-origin")]).status, 201);
    let other = csrf(&server, &[("remote-user", "bert"), ("remote-groups", "employee")]);
    send(&[("x-pulse-csrf", &other)]).refused(403, "csrf");
}
