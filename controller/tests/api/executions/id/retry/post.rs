use crate::harness::{ASK, RUN, Server, flow};
use pulse_protocol::observation::{EndKind, UnknownReason};
use serde_json::json;

const FIRST: &str = "{id: first, type: execute, targets: [all], command: first}";

fn path(id: &str) -> String {
    format!("/api/v1/executions/{id}/retry")
}

#[test]
fn from_the_failed_step_takes_over_what_succeeded() {
    let server = Server::with(&[("a.yaml", &flow("a", "", &[FIRST, RUN]))]);
    let (mut one, mut two) = (server.agent("web-1"), server.agent("web-2"));
    let id = server.run("a");
    for code in [0, 7] {
        one.does("", 0);
        two.does("", code);
    }
    server.until(&format!("/api/v1/executions/{id}"), |one| one["status"] == "failed");
    let answer = server.post(&path("a%231"), &json!({}));
    assert_eq!(answer.status, 201);
    let again = answer.ok();
    assert_eq!((&again["retryOf"], &again["name"]), (&json!(id), &json!("a#2")));
    let new = again["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/api/v1/executions/{new}"));
    two.does("", 0);
    let done = server.until(&format!("/api/v1/executions/{new}"), |one| one["status"] == "succeeded");
    assert_eq!(
        (&done["retryOf"], &done["steps"][0]["id"], &done["steps"][0]["carried"]),
        (&json!(id), &json!("first"), &json!(true))
    );
    assert_eq!(done["steps"][1]["targets"][0]["status"], "succeeded", "taken over, without an attempt: {done}");
    let attempts = |place: usize| done["steps"][1]["targets"][place]["attempts"].as_array().unwrap().len();
    assert_eq!((attempts(0), attempts(1)), (0, 1), "{done}");
    let listed = server.get("/api/v1/executions").ok();
    assert_eq!((&listed["items"][0]["retryOf"], &listed["items"][1]["retryOf"]), (&json!(id), &json!(null)));
}

#[test]
fn from_the_start_at_the_same_commit_or_at_head() {
    let server = Server::with(&[("a.yaml", &flow("a", "", &[ASK]))]);
    let asked = server.asks("a");
    let id = asked["execution"].as_str().unwrap();
    let old = server.get(&format!("/api/v1/executions/{id}")).ok();
    server.post(&path(id), &json!({})).refused(409, "not_over");
    server.post(&path(id), &json!({ "from": "start" })).refused(409, "not_over");
    server.post(&path(id), &json!({ "from": "start", "commit": "head" })).refused(409, "not_over");
    server.post(&format!("/api/v1/prompts/{}/answer", asked["id"].as_str().unwrap()), &json!({ "answer": "Yes" })).ok();
    server.post(&path(id), &json!({})).refused(409, "nothing_failed");
    std::fs::write(server.source("a.yaml"), flow("a", "", &[&ASK.replace("Go on?", "Further?")])).unwrap();
    server.post("/api/v1/syncs", &json!({})).ok();
    let run = |commit: &str, message: &str| {
        let new = server.post(&path(id), &json!({ "from": "start", "commit": commit })).ok();
        assert_eq!(new["retryOf"], id);
        let new = new["id"].as_str().unwrap();
        let seen = server.until(&format!("/api/v1/executions/{new}"), |one| one["steps"][0]["prompt"]["id"].is_string());
        assert_eq!(seen["steps"][0]["prompt"]["message"], message);
        server.post(&format!("/api/v1/executions/{new}/cancel"), &json!({})).ok();
        seen["commit"].clone()
    };
    assert_eq!(run("same", "Go on?"), old["commit"]);
    assert_ne!(run("head", "Further?"), old["commit"]);
}

#[test]
fn what_nobody_knows_is_repeated_only_when_a_person_says_so() {
    let server = Server::with(&[("a.yaml", &flow("a", "", &[RUN]))]);
    let mut agent = server.agent("web-1");
    let id = server.run("a");
    let attempt = agent.assigned().attempt;
    agent.ended(attempt, EndKind::Unknown { reason: UnknownReason::SupervisorLost }, 0);
    server.until(&format!("/api/v1/executions/{id}"), |one| one["status"] == "waiting");
    server.post(&format!("/api/v1/executions/{id}/cancel"), &json!({})).ok();
    let refused = server.post(&path(&id), &json!({})).refused(409, "unknown_targets");
    assert_eq!(refused["targets"], json!(["web-1"]));
    let again = server.post(&path(&id), &json!({ "includeUnknown": true })).ok();
    agent.does("", 0);
    server.until(&format!("/api/v1/executions/{}", again["id"].as_str().unwrap()), |one| one["status"] == "succeeded");
}

#[test]
fn wrong_requests_are_told_apart() {
    let server = Server::with(&[("a.yaml", &flow("a", "", &[RUN]))]);
    let mut agent = server.agent("web-1");
    let id = server.run("a");
    agent.does("", 1);
    server.until(&format!("/api/v1/executions/{id}"), |one| one["status"] == "failed");
    server.post(&path(&id), &json!({ "commit": "head" })).refused(422, "bad_retry");
    server.post(&path(&id), &json!({ "from": "middle" })).refused(400, "bad_body");
    server.post(&path("a%239"), &json!({})).refused(404, "no_such_execution");
    server.post(&path(&id), &json!({})).ok();
    server.post(&path(&id), &json!({})).refused(409, "already_running");
}

#[test]
fn the_same_key_repeats_once() {
    let server = Server::with(&[("a.yaml", &flow("a", "concurrency: {policy: Allow}", &[RUN]))]);
    let mut agent = server.agent("web-1");
    let id = server.run("a");
    agent.does("", 1);
    server.until(&format!("/api/v1/executions/{id}"), |one| one["status"] == "failed");
    let key = [("idempotency-key", "k-1")];
    let first = server.post_with(&path(&id), &json!({}), &key);
    let again = server.post_with(&path("a%231"), &json!({}), &key);
    assert_eq!(first.ok()["id"], again.ok()["id"]);
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    server.post_with(&path(&id), &json!({ "from": "start" }), &key).refused(422, "idempotency_mismatch");
    server.post_with("/api/v1/executions", &json!({ "workflow": "a" }), &key).refused(422, "idempotency_mismatch");
    assert_eq!(server.get("/api/v1/executions").ok()["items"].as_array().unwrap().len(), 2);
    // Also when the workflow has gone since.
    let (head, key) = (json!({ "from": "start", "commit": "head" }), [("idempotency-key", "k-2")]);
    let first = server.post_with(&path(&id), &head, &key).ok();
    std::fs::remove_file(server.source("a.yaml")).unwrap();
    server.post("/api/v1/syncs", &json!({})).ok();
    assert_eq!(server.post_with(&path(&id), &head, &key).ok()["id"], first["id"]);
    server.post(&path(&id), &head).refused(422, "no_such_workflow");
}

#[test]
fn at_head_what_was_given_is_given_again_and_the_rest_is_of_head() {
    let with = |params: &str| flow("a", &format!("params: [{params}]"), &[RUN]);
    let before = "{name: ticket, required: true}, {name: old, default: x}, {name: channel, default: stable}";
    let server = Server::with(&[("a.yaml", &with(before))]);
    let mut agent = server.agent("web-1");
    let given = json!({ "workflow": "a", "params": { "ticket": "OPS-1", "old": "y" } });
    let id = server.post("/api/v1/executions", &given).ok()["id"].as_str().unwrap().to_owned();
    agent.does("", 1);
    server.until(&format!("/api/v1/executions/{id}"), |one| one["status"] == "failed");
    std::fs::write(server.source("a.yaml"), with("{name: ticket, required: true}, {name: channel, default: testing}")).unwrap();
    server.post("/api/v1/syncs", &json!({})).ok();
    let new = server.post(&path(&id), &json!({ "from": "start", "commit": "head" })).ok();
    assert_eq!(new["droppedParams"], json!(["old"]));
    let seen = server.get(&format!("/api/v1/executions/{}", new["id"].as_str().unwrap())).ok();
    assert_eq!(seen["params"], json!({ "ticket": "OPS-1", "channel": "testing" }));
}

#[test]
fn one_whose_snapshot_is_gone_can_be_run_again_at_head() {
    let server = Server::with(&[("a.yaml", &flow("a", "", &[RUN]))]);
    let mut agent = server.agent("web-1");
    let id = server.run("a");
    agent.does("", 1);
    server.until(&format!("/api/v1/executions/{id}"), |one| one["status"] == "failed");
    server.meddle("UPDATE snapshots SET body = '{}'");
    let refused = server.post(&path(&id), &json!({})).refused(422, "cannot_retry");
    assert!(refused["help"].as_str().unwrap().contains("--head"), "{refused}");
    server.post(&path(&id), &json!({ "from": "start" })).refused(422, "cannot_retry");
}
