//! What every answer tells a browser: no other page may read it, frame it, or take it for something else.

use crate::harness::Server;

#[test]
fn no_answer_lets_another_page_read_frame_or_misread_it() {
    let server = Server::start();
    let bearer = server.bearer();
    for path in [
        "/",
        "/api/v1/workflows",
        "/api/v1/workflows/nothing",
        "/nothing",
        "/health",
        "/openapi.json",
        "/docs",
        "/auth/oidc/login",
    ] {
        for origin in ["https://evil.example", "null"] {
            let answer = server.send("GET", path, Some(&bearer), &[("origin", origin)], b"");
            let allows = answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
            assert!(!allows, "{path}: {:?}", answer.headers);
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
            let policy = answer.header("content-security-policy");
            assert!(policy.contains("default-src") && policy.contains("frame-ancestors 'none'"), "{path}: {policy:?}");
            assert!(!policy.contains("unsafe"), "{path}: {policy:?}");
        }
    }
    let preflight = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    let answer = server.send("OPTIONS", "/api/v1/executions", None, &preflight, b"");
    assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{:?}", answer.headers);
}
