use crate::harness::{Server, workflow};
use pulse_protocol::observation::{EndKind, UnknownReason};
use serde_json::json;

#[test]
fn only_an_unknown_is_settled_and_only_with_a_reason() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut agent = server.agent("web-1");
    let id = server.run("a");
    let attempt = agent.assigned().attempt;
    let (one, path) = (format!("/api/v1/executions/{id}"), format!("/api/v1/executions/{id}/resolve"));
    let word = json!({ "attempt": attempt, "outcome": "succeeded", "reason": "the log says so" });
    server.post(&path, &word).refused(409, "attempt_not_unknown");
    agent.ended(attempt, EndKind::Unknown { reason: UnknownReason::SupervisorLost }, 0);
    let waiting = server.until(&one, |one| one["status"] == "waiting");
    assert_eq!(waiting["reasons"][0]["code"], "unknown", "{waiting}");
    server.post(&path, &json!({ "attempt": attempt, "outcome": "succeeded", "reason": " " })).refused(400, "bad_parameter");
    server.post(&path, &json!({ "attempt": attempt, "outcome": "unknown", "reason": "x" })).refused(400, "bad_body");
    let other = json!({ "attempt": id, "outcome": "failed", "reason": "x" });
    server.post(&path, &other).refused(422, "no_such_attempt");
    assert_eq!(server.post(&path, &word).ok()["changed"], true);
    let settled = server.until(&one, |one| one["status"] == "succeeded");
    assert_eq!(settled["steps"][0]["targets"][0]["attempts"][0]["resolvedAs"], "succeeded", "{settled}");
}
