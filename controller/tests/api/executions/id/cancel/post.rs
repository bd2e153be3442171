use crate::harness::{Server, workflow};
use pulse_protocol::observation::EndKind;
use serde_json::json;

#[test]
fn a_drained_execution_ends_when_what_runs_has_ended() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut agent = server.agent("web-1");
    let id = server.run("a");
    let attempt = agent.assigned().attempt;
    let path = format!("/api/v1/executions/{id}/cancel");
    server.post(&path, &json!({ "reason": "x", "mode": "now" })).refused(400, "bad_body");
    let done = server.post(&path, &json!({ "reason": "wrong day" })).ok();
    assert_eq!((&done["changed"], &done["status"]), (&true.into(), &"running".into()));
    assert_eq!(server.post(&path, &json!({ "reason": "again" })).ok()["changed"], false);
    let seen = server.get(&format!("/api/v1/executions/{id}")).ok();
    assert_eq!((&seen["cancel"]["mode"], &seen["cancel"]["reason"]), (&"drain".into(), &"wrong day".into()));
    agent.ended(attempt, EndKind::Exited { code: 0 }, 0);
    server.until(&format!("/api/v1/executions/{id}"), |one| one["status"] == "cancelled");
    server.post(&path, &json!({ "reason": "too late" })).refused(409, "execution_over");
    server.post("/api/v1/executions/b%231/cancel", &json!({})).refused(404, "no_such_execution");
}
