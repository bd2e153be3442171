//! The dashboard as a browser gets it: open to anybody, compressed, kept for ever where its name says its content, and locked down.

use crate::harness::{Answer, Server};

fn ask(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    server.send("GET", path, None, headers, b"")
}

/// The script that the page names.
fn script(server: &Server) -> String {
    let page = ask(server, "/", &[]);
    let html = String::from_utf8(page.body).unwrap();
    let named = html.split('"').find(|part| part.starts_with("/assets/") && part.ends_with(".js"));
    named.expect("the page names its script").to_owned()
}

#[test]
fn every_address_into_it_is_the_page_and_no_other_is() {
    let server = Server::start();
    for path in
        ["/", "/prompts", "/executions/hello%231", "/workflows/hello?run=1", "/agents/web-1", "/syncs", "/editor", "/status"]
    {
        let page = ask(&server, path, &[]);
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
        assert_eq!(page.header("cache-control"), "no-cache", "{path}");
    }
    for path in ["/nothing", "/api", "/api/v1/nothing", "/prompts/1/2", "/health/nothing", "/metrics/x"] {
        ask(&server, path, &[]).refused(404, "no_such_path");
    }
    server.send("POST", "/prompts", None, &[("content-type", "application/json")], b"{}").refused(405, "wrong_method");
    assert_eq!(ask(&server, "/assets/gone-12345678.js", &[]).status, 404);
    ask(&server, "/assets/..%2f..%2fCargo.toml", &[]).refused(400, "bad_path");
}

#[test]
fn whatever_it_answers_is_locked_down() {
    let server = Server::start();
    for path in ["/", "/executions/x", &script(&server), "/assets/gone.js", "/favicon.svg"] {
        let answer = ask(&server, path, &[]);
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("data:"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    }
}

#[test]
fn files_are_kept_for_ever_and_sent_once() {
    let server = Server::start();
    let script = script(&server);
    let plain = ask(&server, &script, &[("accept-encoding", "identity")]);
    assert_eq!((plain.status, plain.header("content-encoding")), (200, ""));
    assert_eq!(plain.header("content-type"), "text/javascript; charset=utf-8");
    assert!(plain.header("cache-control").contains("immutable"), "{}", plain.header("cache-control"));
    let packed = ask(&server, &script, &[("accept-encoding", "br, gzip")]);
    assert_eq!((packed.header("content-encoding"), packed.header("vary")), ("gzip", "accept-encoding"));
    assert!(packed.body.starts_with(&[0x1f, 0x8b]) && packed.body.len() * 2 < plain.body.len());
    let (tag, packed_tag) = (plain.header("etag").to_owned(), packed.header("etag").to_owned());
    assert_ne!(tag, packed_tag, "what is not the same bytes has not the same tag");
    let again = ask(&server, &script, &[("accept-encoding", "identity"), ("if-none-match", &tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    let changed = ask(&server, &script, &[("accept-encoding", "identity"), ("if-none-match", "\"another\"")]);
    assert_eq!(changed.status, 200);
}
