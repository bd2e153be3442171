use crate::harness::{Server, workflow};
use serde_json::{Value, json};

#[test]
fn an_edit_is_live_when_the_sync_has_answered() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo 1"))]);
    std::fs::write(server.source("a.yaml"), workflow("a", "echo 2")).unwrap();
    let sync = server.post("/api/v1/syncs", &json!({})).ok();
    // The watcher may have been first; then there was nothing left to apply.
    assert!(sync["outcome"] == "applied" || sync["outcome"] == "unchanged", "{sync}");
    assert_eq!(server.get("/api/v1/workflows/a").ok()["spec"]["steps"][0]["command"], "echo 2");
}

#[test]
fn an_edit_is_seen_without_being_asked() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo 1"))]);
    std::fs::write(server.source("a.yaml"), workflow("a", "echo 2")).unwrap();
    server.until("/api/v1/workflows/a", |workflow| workflow["spec"]["steps"][0]["command"] == "echo 2");
}

#[test]
fn a_broken_file_leaves_everything_live() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo 1"))]);
    std::fs::write(server.source("b.yaml"), "kind: Nonsense").unwrap();
    let sync = server.post("/api/v1/syncs", &json!({})).ok();
    assert_eq!(sync["outcome"], "refused");
    assert_eq!(server.get("/api/v1/workflows").ok()["items"].as_array().unwrap().len(), 1);
    server.post("/api/v1/syncs", &json!({ "force": true })).refused(400, "bad_body");
}

#[test]
fn webhooks_that_cannot_be_read_keep_no_sync_from_being_told() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo 1"))]);
    server.send("GET", "/webhooks/gitea", None, &[], b"").refused(405, "wrong_method");
    assert_eq!(server.post("/api/v1/syncs", &json!({})).ok()["lastWebhook"]["reason"], "NotPost");
    server.meddle("ALTER TABLE webhooks RENAME TO webhooks_elsewhere");
    let sync = server.post("/api/v1/syncs", &json!({})).ok();
    assert_eq!((&sync["outcome"], &sync["lastWebhook"]), (&json!("unchanged"), &Value::Null));
    let page = server.get("/api/v1/syncs").ok();
    assert_eq!((page["items"].as_array().map(Vec::is_empty), &page["lastWebhook"]), (Some(false), &Value::Null));
    let source = server.get("/api/v1/sources/default").ok();
    assert_eq!(
        (&source["name"], &source["lastWebhook"], &source["refusedWebhooks"]),
        (&json!("default"), &Value::Null, &Value::Null)
    );
}
