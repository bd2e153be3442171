use crate::harness::{Server, workflow};
use serde_json::{Value, json};

/// Type, status and reason of each condition.
fn conditions(source: &Value) -> Vec<[String; 3]> {
    let all = source["conditions"].as_array().unwrap().iter();
    all.map(|one| ["type", "status", "reason"].map(|field| one[field].as_str().unwrap().to_owned())).collect()
}

#[test]
fn a_source_says_how_it_stands_and_what_came_last() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let source = server.until("/api/v1/sources/default", |source| source["nextLook"].is_string());
    // The loop has looked, too, and found nothing to change.
    assert_eq!(conditions(&source)[0], ["Ready", "True", "Unchanged"].map(str::to_owned), "{source}");
    assert_eq!(source["lastSync"]["commit"], source["observedCommit"]);
    assert_eq!(source["webhook"]["url"], server.url("/webhooks/gitea"));
    assert_eq!((&source["webhook"]["path"], &source["lastWebhook"]), (&json!("/webhooks/gitea"), &Value::Null));
    assert!(source["lastLook"].as_str() < source["nextLook"].as_str(), "{source}");

    std::fs::write(server.source("a.yaml"), "nonsense: [").unwrap();
    server.post("/api/v1/syncs", &json!({ "source": "default" })).ok();
    let refused = server.get("/api/v1/sources/default").ok();
    assert_eq!(conditions(&refused)[0], ["Ready", "False", "InvalidManifests"].map(str::to_owned), "{refused}");
    assert_eq!(refused["observedCommit"], source["observedCommit"], "what was live stays live");
    assert!(refused["conditions"][0]["lastTransitionTime"].is_string(), "{refused}");
}

#[test]
fn another_name_is_not_there() {
    let server = Server::start();
    server.get("/api/v1/sources/nothing").refused(404, "no_such_source");
    server.post("/api/v1/syncs", &json!({ "source": "nothing" })).refused(404, "no_such_source");
}
