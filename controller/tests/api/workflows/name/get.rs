use crate::harness::{Server, workflow};
use serde_json::json;

#[test]
fn a_workflow_is_its_manifest_with_its_origin() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo 1"))]);
    let found = server.get("/api/v1/workflows/a").ok();
    assert_eq!((&found["apiVersion"], &found["kind"]), (&"pulse.dev/v1".into(), &"Workflow".into()));
    assert_eq!(found["spec"]["steps"][0]["command"], "echo 1");
    let commit = server.get("/api/v1/syncs").ok()["items"][0]["commit"].clone();
    let status = &found["status"];
    assert_eq!((&status["path"], &status["observedCommit"]), (&"a.yaml".into(), &commit));
    assert_eq!(status["conditions"][0]["status"], "True");
}

#[test]
fn what_is_not_live_is_not_there() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    server.get("/api/v1/workflows/b").refused(404, "no_such_workflow");
    std::fs::remove_file(server.source("a.yaml")).unwrap();
    server.post("/api/v1/syncs", &json!({})).ok();
    server.get("/api/v1/workflows/a").refused(404, "no_such_workflow");
}
