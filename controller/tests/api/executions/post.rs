use crate::harness::{Server, workflow};
use serde_json::json;

const PATH: &str = "/api/v1/executions";

#[test]
fn a_start_answers_where_to_look() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo {{ params.who }}"))]);
    let _agent = server.agent("web-1");
    let answer = server.post(PATH, &json!({ "workflow": "a", "params": { "who": "you" } }));
    assert_eq!(answer.status, 201);
    let started = answer.ok();
    assert_eq!((&started["number"], &started["name"]), (&1.into(), &"a#1".into()));
    assert_eq!(answer.header("location"), format!("{PATH}/{}", started["id"].as_str().unwrap()));
    let running = server.post(PATH, &json!({ "workflow": "a" })).refused(409, "already_running");
    assert_eq!((&running["execution"], &running["name"]), (&started["id"], &"a#1".into()));
}

#[test]
fn the_same_key_starts_once() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let _agent = server.agent("web-1");
    let key = [("idempotency-key", "k-1")];
    let first = server.post_with(PATH, &json!({ "workflow": "a", "params": { "who": "1" } }), &key);
    let again = server.post_with(PATH, &json!({ "params": { "who": "1" }, "workflow": "a" }), &key);
    assert_eq!(first.ok()["id"], again.ok()["id"]);
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    server.post_with(PATH, &json!({ "workflow": "a" }), &key).refused(422, "idempotency_mismatch");
    server.post_with(PATH, &json!({ "workflow": "a" }), &[("idempotency-key", "")]).refused(400, "bad_header");
}

#[test]
fn wrong_requests_are_told_apart() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    server.post(PATH, &json!({ "workflow": "b" })).refused(422, "no_such_workflow");
    let targets = server.post(PATH, &json!({ "workflow": "a" })).refused(422, "bad_targets");
    assert_eq!(targets["errors"][0]["name"], "go", "no agent is enrolled: {targets}");
    let _agent = server.agent("web-1");
    let params = server.post(PATH, &json!({ "workflow": "a", "params": { "who": 1, "x": "" } })).refused(422, "bad_params");
    let pointers: Vec<_> = params["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/params/x", "/params/who"], "{params}");
    server.post(PATH, &json!({ "workflow": "a", "limit": "role=db" })).refused(422, "bad_targets");
    assert_eq!(server.get(PATH).ok()["items"], json!([]), "nothing was started");
}

#[test]
fn a_dry_run_says_all_and_starts_nothing() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo {{ params.who }}"))]);
    let _agent = server.agent("web-1");
    let answer = server.post(PATH, &json!({ "workflow": "a", "dryRun": true }));
    assert_eq!(answer.status, 200);
    let dry = answer.ok();
    assert_eq!(dry["steps"][0]["targets"], json!(["web-1"]));
    assert_eq!(dry["params"]["who"], "world");
    assert_eq!(server.get(PATH).ok()["items"], json!([]));
    let key = [("idempotency-key", "k")];
    server.post_with(PATH, &json!({ "workflow": "a", "dryRun": true }), &key).refused(400, "bad_header");
}

#[test]
fn a_start_may_name_its_source() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let _agent = server.agent("web-1");
    let refused = server.post(PATH, &json!({ "workflow": "a", "source": "other" })).refused(422, "no_such_workflow");
    assert_eq!(refused["detail"], "no workflow of source `other` is named `a`");
    assert!(refused["help"].as_str().unwrap().contains("each with its source"), "{refused}");
    let started = server.post(PATH, &json!({ "workflow": "a", "source": "default" })).ok();
    assert_eq!((&started["name"], &started["source"]), (&"a#1".into(), &"default".into()));
    let listed = |source: &str| server.get(&format!("{PATH}?source={source}")).ok()["items"].as_array().unwrap().len();
    assert_eq!((listed("default"), listed("other")), (1, 0));
}

#[test]
fn a_name_of_two_sources_is_refused_until_one_is_named() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo one"))]);
    let _agent = server.agent("web-1");
    server.second_source(&[("a.yaml", &workflow("a", "echo two"))]);
    let refused = server.post(PATH, &json!({ "workflow": "a", "dryRun": true })).refused(409, "ambiguous_name");
    assert_eq!(refused["sources"], json!(["default", "two"]));
    assert!(refused["help"].as_str().unwrap().contains("pulse run NAME --source SOURCE"), "{refused}");
    for (source, script) in [("default", "echo one"), ("two", "echo two")] {
        let dry = server.post(PATH, &json!({ "workflow": "a", "source": source, "dryRun": true })).ok();
        assert_eq!(dry["steps"][0]["script"], script);
    }
    // Each counts its own, and both are shown with their source.
    for source in ["default", "two"] {
        assert_eq!(server.post(PATH, &json!({ "workflow": "a", "source": source })).ok()["name"], "a#1");
    }
    let workflows = server.get("/api/v1/workflows").ok();
    let sources: Vec<_> = workflows["items"].as_array().unwrap().iter().map(|one| one["status"]["source"].clone()).collect();
    assert_eq!(sources, ["default", "two"]);
    let one = server.get("/api/v1/workflows/a").refused(409, "ambiguous_name");
    assert_eq!(one["sources"], json!(["default", "two"]));
}
