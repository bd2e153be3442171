//! Every route needs a token, but for those that are listed here, too.

use crate::harness::Server;

/// What may be open. A route that is added to the public ones fails here, and a person looks.
const OPEN: [&str; 10] = [
    "/api/v1/session",
    "/",
    "/docs",
    "/docs/style.css",
    "/openapi.json",
    "/health",
    "/health/live",
    "/health/ready",
    "/api/v1/agents/session",
    "/webhooks/gitea",
];

#[test]
fn every_other_route_answers_401_without_a_valid_token() {
    let server = Server::start();
    let table = pulse_controller::api::table();
    assert!(table.len() > 20, "{table:?}");
    for (method, path, rule) in table {
        let public = rule.is_open();
        assert_eq!(public, OPEN.contains(&path) && method != "DELETE", "{method} {path}");
        let path = path.replace("{name}", "x").replace("{id}", "x");
        let body: &[u8] = if method == "POST" { b"{}" } else { b"" };
        let json = [("content-type", "application/json")];
        for bearer in [None, Some("Bearer wrong"), Some("Basic YWRtaW46YS10b2tlbi1mb3ItdGVzdHM="), Some("Bearer ")] {
            let answer = server.send(method.as_str(), &path, bearer, &json, body);
            if path == "/api/v1/session" {
                // Open, because it is where somebody says who they are.
                assert!([400, 401, 403].contains(&answer.status), "{method} {path}");
            } else if public {
                assert_ne!(answer.status, 401, "{method} {path}");
            } else {
                answer.refused(401, "unauthorized");
                assert!(answer.header("www-authenticate").starts_with("Bearer"), "{method} {path}");
            }
        }
        if !public {
            let with = server.send(method.as_str(), &path, Some(&server.bearer()), &json, body);
            assert_ne!(with.status, 401, "{method} {path}");
        }
    }
}

#[test]
fn a_body_is_not_even_parsed_without_a_token() {
    let server = Server::start();
    let answer = server.send("POST", "/api/v1/executions", None, &[("content-type", "application/json")], b"not json");
    answer.refused(401, "unauthorized");
}
