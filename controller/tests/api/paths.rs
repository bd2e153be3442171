//! Paths that a proxy could read otherwise than this controller, on every route: none reaches a handler (catalogue H5, H6).

use crate::harness::Server;

/// Every way to write a path wrongly.
fn spellings(path: &str) -> Vec<String> {
    let (before, last) = path.rsplit_once('/').unwrap();
    let mut all = vec![
        format!("/{path}"),
        format!("{path}/"),
        format!("{path}//"),
        format!("/.{path}"),
        format!("/..{path}"),
        format!("/%2e{path}"),
        format!("/x/..{path}"),
        format!("/x/..;{path}"),
        format!("/x/%2e%2e{path}"),
        format!("{path}/.."),
        format!("{path};"),
        format!("{path};a=b"),
        format!("{path}%3b"),
        format!("{path}%00"),
        format!("{path}%0a"),
        format!("{path}%"),
        format!("{path}%2"),
        format!("{path}%zz"),
        format!("{path}\\"),
        format!("{path}%5c"),
        format!("{before}\\{last}"),
        format!("{before}%5c{last}"),
        format!("{before}%2f{last}"),
        format!("{before}%2F{last}"),
        format!("http://other{path}/"),
    ];
    // What is open stands before or after what is not.
    for open in ["/health", "/health/live", "/docs", "/openapi.json", "/webhooks/gitea"] {
        all.extend([format!("{open}{path}"), format!("{path}{open}")]);
    }
    if path != path.to_ascii_uppercase() {
        all.push(path.to_ascii_uppercase());
    }
    all
}

#[test]
fn no_other_spelling_of_a_path_reaches_a_handler() {
    let server = Server::start();
    let bearer = format!("Authorization: {}\r\n", server.bearer());
    for (method, route, _) in pulse_controller::api::table() {
        let path = route.replace("{name}", "x").replace("{id}", "x");
        for spelling in spellings(&path) {
            for header in ["", bearer.as_str()] {
                let (status, body) = server.raw(&format!("{method} {spelling}"), header);
                // What is no path at all is refused before anybody can say why. One of more parts may be another route's, whose
                // method is wrong or whose caller is unknown.
                let codes = ["bad_path", "no_such_path", "wrong_method", "unauthorized", "no_such_", "websocket_required"];
                let told =
                    codes.iter().any(|code| body.contains(&format!("\"code\":\"{code}"))) || status == 400 && body.is_empty();
                assert!([400, 401, 404, 405].contains(&status) && told, "{method} {spelling}: {status} {body}");
            }
        }
    }
}

#[test]
fn a_method_is_said_in_one_place() {
    let server = Server::with(&[("w.yaml", &crate::harness::workflow("w", "echo"))]);
    let override_to = |name: &str| format!("Authorization: {}\r\n{name}: DELETE\r\n", server.bearer());
    for name in ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"] {
        let (status, body) = server.raw("GET /api/v1/workflows/w", &override_to(name));
        assert_eq!(status, 200, "{name}: {body}");
        let (status, body) = server.raw("GET /api/v1/agents/x", &override_to(name));
        assert!(status == 404 && body.contains("no_such_agent"), "{name}: {status} {body}");
    }
    server.get("/api/v1/workflows?_method=DELETE").refused(400, "bad_parameter");
    for method in ["TRACE", "OPTIONS", "CONNECT", "PUT", "PATCH", "PROPFIND", "get"] {
        let (status, _) = server.raw(&format!("{method} /api/v1/workflows"), "");
        assert!([400, 401, 404, 405].contains(&status), "{method}: {status}");
        let (status, body) = server.raw(&format!("{method} /api/v1/workflows"), &override_to("x-nothing"));
        assert!([400, 404, 405].contains(&status), "{method}: {status} {body}");
    }
}
