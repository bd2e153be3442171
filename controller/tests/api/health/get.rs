use crate::harness::{Server, workflow};
use serde_json::json;

#[test]
fn probes_need_no_token_and_say_what_is_so() {
    let server = Server::start();
    let probe = |path: &str| server.send("GET", path, None, &[], b"").ok();
    assert_eq!(probe("/health/live")["status"], "ok");
    assert_eq!(probe("/health/ready")["status"], "ok");
    let health = probe("/health");
    assert_eq!((&health["status"], &health["database"]["status"]), (&"ok".into(), &"ok".into()));
}

#[test]
fn a_database_that_is_gone_is_not_ready_but_live() {
    let server = Server::start();
    let store = server.engine().store().clone();
    server.block_on(store.close());
    let probe = |path: &str| server.send("GET", path, None, &[], b"");
    assert_eq!(probe("/health/live").status, 200);
    assert_eq!(probe("/health/ready").status, 503);
    for path in ["/health", "/health/detailed"] {
        let health = probe(path);
        assert_eq!((health.status, &health.json()["database"]["status"]), (503, &json!("unavailable")), "{path}");
    }
    let refused = server.get("/api/v1/workflows");
    refused.refused(503, "database_unavailable");
    assert_eq!(refused.header("retry-after"), "1");
}

#[test]
fn what_it_stands_on_is_told_in_words_and_numbers_only() {
    let server = Server::with(&[("a.yaml", &workflow("quiet", "echo"))]);
    let _agent = server.agent("quiet-agent");
    let ask = || server.send("GET", "/health/detailed", None, &[], b"");
    let (well, text) = (ask().ok(), String::from_utf8(ask().body).unwrap());
    assert_eq!((&well["status"], &well["role"]), (&json!("ok"), &json!("active")));
    assert_eq!((&well["sources"][0]["status"], &well["sources"][0]["failures"]), (&json!("ok"), &json!(0)));
    assert_eq!((&well["agents"]["online"], &well["agents"]["offline"]), (&json!(1), &json!(0)));
    assert_eq!(well["webhooks"], false);
    for named in ["quiet", server.source("a.yaml").parent().unwrap().to_str().unwrap()] {
        assert!(!text.contains(named), "{named}: {text}");
    }
}

#[test]
fn a_source_that_cannot_be_read_or_is_refused_degrades_and_ends_nothing() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let ask = || server.send("GET", "/health/detailed", None, &[], b"").ok();
    let look = || server.post("/api/v1/syncs", &json!({}));
    std::fs::write(server.source("b.yaml"), "kind: Nonsense\n").unwrap();
    look();
    let refused = ask();
    let source = &refused["sources"][0];
    assert_eq!(
        (&refused["status"], &source["status"], &source["reason"]),
        (&json!("degraded"), &json!("unavailable"), &json!("InvalidManifests"))
    );
    let gone = server.source("a.yaml").parent().unwrap().to_owned();
    std::fs::rename(&gone, gone.with_extension("gone")).unwrap();
    look();
    let unreachable = ask();
    let source = &unreachable["sources"][0];
    assert_eq!((&unreachable["status"], &source["failures"]), (&json!("degraded"), &json!(1)), "{unreachable}");
    assert!(source["lastSuccess"].is_string(), "{unreachable}");
    for path in ["/health", "/health/ready", "/health/live"] {
        assert_eq!(server.send("GET", path, None, &[], b"").ok()["status"], "ok", "{path}: no restart would mend a source");
    }
    std::fs::rename(gone.with_extension("gone"), &gone).unwrap();
    std::fs::remove_file(server.source("b.yaml")).unwrap();
    look();
    assert_eq!(ask()["status"], "ok");
}
