//! Every route by every method and role, walked from the router itself. What is expected stands here once more, so that a changed rule fails
//! and a person looks; a route that is not here fails, too.

use crate::harness::Server;
use serde_json::json;
use std::collections::BTreeMap;

/// Who comes through: `O` anybody, `s` whoever is known, else `A`dmin, `o`perator, `v`iewer, a`u`ditor; `R` the administrator's own token.
#[rustfmt::skip]
const EXPECTED: &[(&str, &str, &str)] = &[
    ("GET",    "/docs",                              "O"),
    ("GET",    "/docs/style.css",                    "O"),
    ("GET",    "/openapi.json",                      "O"),
    ("GET",    "/install-agent.sh",                  "O"),
    ("GET",    "/install-agent.sh.sha256",           "O"),
    ("GET",    "/downloads/{name}",                  "O"),
    ("GET",    "/health",                            "O"),
    ("GET",    "/health/live",                       "O"),
    ("GET",    "/health/ready",                      "O"),
    ("GET",    "/health/detailed",                   "O"),
    ("GET",    "/metrics",                           "O"),
    ("GET",    "/ca.pem",                            "O"),
    ("GET",    "/api/v1/agents/session",             "O"),
    ("POST",   "/webhooks/gitea",                    "O"),
    ("GET",    "/webhooks/gitea",                    "O"),
    ("GET",    "/api/v1/session",                    "O"),
    ("POST",   "/api/v1/session",                    "O"),
    ("GET",    "/auth/oidc/login",                   "O"),
    ("GET",    "/auth/oidc/callback",                "O"),
    ("DELETE", "/api/v1/session",                    "s"),
    ("GET",    "/schemas/{name}",                    "s"),
    ("GET",    "/api/v1/tokens",                     "A"),
    ("POST",   "/api/v1/tokens",                     "A"),
    ("POST",   "/api/v1/tokens/break-glass",         "R"),
    ("DELETE", "/api/v1/tokens/{id}",                "A"),
    ("GET",    "/api/v1/audit",                      "Au"),
    ("GET",    "/api/v1/audit/export",               "Au"),
    ("GET",    "/api/v1/audit/verify",               "Au"),
    ("GET",    "/api/v1/users",                      "A"),
    ("GET",    "/api/v1/settings",                   "A"),
    ("GET",    "/api/v1/workflows",                  "Aovu"),
    ("GET",    "/api/v1/workflows/{name}",           "Aovu"),
    ("GET",    "/api/v1/schedules",                  "Aovu"),
    ("GET",    "/api/v1/schedules/{name}",           "Aovu"),
    ("GET",    "/api/v1/schedules/{name}/slots",     "Aovu"),
    ("GET",    "/api/v1/groups",                     "Aovu"),
    ("GET",    "/api/v1/agents",                     "Aovu"),
    ("GET",    "/api/v1/agents/tokens",              "A"),
    ("POST",   "/api/v1/agents/tokens",              "A"),
    ("GET",    "/api/v1/agents/{name}",              "Aovu"),
    ("DELETE", "/api/v1/agents/{name}",              "A"),
    ("POST",   "/api/v1/agents/{name}/replace",      "A"),
    ("POST",   "/api/v1/agents/{name}/cordon",       "Ao"),
    ("POST",   "/api/v1/agents/{name}/drain",        "Ao"),
    ("POST",   "/api/v1/agents/{name}/uncordon",     "Ao"),
    ("GET",    "/api/v1/executions",                 "Aovu"),
    ("POST",   "/api/v1/executions",                 "Ao"),
    ("GET",    "/api/v1/executions/{id}",            "Aovu"),
    ("GET",    "/api/v1/executions/{id}/events",     "Aovu"),
    ("GET",    "/api/v1/executions/{id}/output",     "Aovu"),
    ("GET",    "/api/v1/executions/{id}/why",        "Aovu"),
    ("POST",   "/api/v1/executions/{id}/cancel",     "Ao"),
    ("POST",   "/api/v1/executions/{id}/resolve",    "Ao"),
    ("POST",   "/api/v1/executions/{id}/retry",      "Ao"),
    ("POST",   "/api/v1/commands",                   "A"),
    ("GET",    "/api/v1/prompts",                    "Aovu"),
    ("GET",    "/api/v1/prompts/{id}",               "Aovu"),
    // A prompt may name anybody; what it says is judged by itself (identity/who.rs).
    ("POST",   "/api/v1/prompts/{id}/answer",        "Aovu"),
    ("GET",    "/api/v1/pauses",                     "Aovu"),
    ("POST",   "/api/v1/pauses",                     "Ao"),
    ("GET",    "/api/v1/pauses/{id}",                "Aovu"),
    ("DELETE", "/api/v1/pauses/{id}",                "Ao"),
    ("GET",    "/api/v1/sources",                    "Aovu"),
    ("GET",    "/api/v1/sources/{name}",             "Aovu"),
    ("GET",    "/api/v1/syncs",                      "Aovu"),
    ("POST",   "/api/v1/syncs",                      "Ao"),
    ("GET",    "/api/v1/syncs/{id}",                 "Aovu"),
    ("POST",   "/api/v1/syncs/{id}/confirm",         "A"),
    ("POST",   "/api/v1/validate",                   "Aovu"),
    ("POST",   "/api/v1/plan",                       "Aovu"),
    ("GET",    "/api/v1/events",                     "Aovu"),
];

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// A path of a route, with something in its place for what varies.
fn filled(path: &str) -> String {
    path.replace("{name}", "x").replace("{id}", "x")
}

#[test]
fn every_route_and_method_lets_through_whom_it_should_and_nobody_else() {
    let server = Server::start();
    let table: BTreeMap<(String, &str), _> =
        pulse_controller::api::table().into_iter().map(|(method, path, rule)| ((method.to_string(), path), rule)).collect();
    let expected: BTreeMap<(String, &str), &str> =
        EXPECTED.iter().map(|(method, path, who)| (((*method).to_owned(), *path), *who)).collect();
    assert_eq!(
        table.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>(),
        "each route stands here, and each here is a route"
    );
    let known = [("A", "admin"), ("o", "operator"), ("v", "viewer"), ("u", "auditor")]
        .map(|(letter, role)| (letter, server.token(role, &[role], &json!({}))));
    for ((method, path), who) in expected {
        let body: &[u8] = if method == "POST" { b"{}" } else { b"" };
        let ask = |bearer: Option<&str>| server.send(&method, &filled(path), bearer, &JSON, body);
        for bearer in [
            None,
            Some("Bearer wrong"),
            Some("Basic YWRtaW46YS10b2tlbi1mb3ItdGVzdHM="),
            Some("Bearer "),
            Some("Bearer pulse_api_0_0"),
        ] {
            let answer = ask(bearer);
            match who {
                // What looks at the caller by itself answers 401 as well.
                "O" => assert!(
                    answer.status != 401 || ["/api/v1/session", "/webhooks/gitea", "/auth/oidc/callback"].contains(&path),
                    "{method} {path}"
                ),
                _ => {
                    answer.refused(401, "unauthorized");
                    assert!(answer.header("www-authenticate").starts_with("Bearer"), "{method} {path}");
                }
            }
        }
        for (letter, bearer) in &known {
            let status = ask(Some(bearer)).status;
            let comes_through = matches!(who, "O" | "s") || who.contains(letter);
            assert_eq!(status != 403, comes_through, "{method} {path} as {letter}: {status}");
            assert!(status != 401 || who == "O", "{method} {path} as {letter}");
        }
        let root = ask(Some(&server.bearer())).status;
        assert!(root != 403 && (root != 401 || who == "O"), "{method} {path} with the administrator's token: {root}");
    }
}

#[test]
fn no_other_method_finds_a_handler() {
    let server = Server::start();
    let viewer = server.token("viewer", &["viewer"], &json!({}));
    for path in EXPECTED.iter().map(|(_, path, _)| *path).collect::<std::collections::BTreeSet<_>>() {
        let has = |method: &str| {
            EXPECTED.iter().any(|(its, at, _)| *at == path && (*its == method || (*its == "GET" && method == "HEAD")))
        };
        for method in METHODS.into_iter().filter(|method| !has(method)) {
            let answer = server.send(method, &filled(path), Some(&viewer), &JSON, b"");
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(server.send(method, &filled(path), None, &JSON, b"").status, 401, "{method} {path} of a stranger");
        }
        for header in ["x-http-method-override", "x-method-override", "x-http-method"] {
            let answer = server.send("GET", &filled(path), Some(&viewer), &[(header, "DELETE")], b"");
            assert_ne!(answer.status, 204, "{path}: {header}");
        }
    }
}

#[test]
fn a_body_is_not_even_parsed_without_a_token() {
    let server = Server::start();
    let answer = server.send("POST", "/api/v1/executions", None, &JSON, b"not json");
    answer.refused(401, "unauthorized");
}
