use crate::harness::Server;
use serde_json::{Value, json};

fn cordon(server: &Server, verb: &str, reason: &str) -> Value {
    server.post(&format!("/api/v1/agents/web-1/{verb}"), &json!({ "reason": reason })).ok()["status"]["cordon"].clone()
}

#[test]
fn a_cordon_is_shown_and_is_one_however_often_it_is_asked_for() {
    let server = Server::start();
    let _agent = server.agent("web-1");
    assert_eq!(server.get("/api/v1/agents/web-1").ok()["status"]["cordon"], Value::Null);
    let first = cordon(&server, "cordon", "new disks");
    assert_eq!((&first["reason"], &first["by"], &first["drained"]), (&json!("new disks"), &json!("admin"), &json!(true)));
    assert_eq!(cordon(&server, "drain", "something else"), first, "it is cordoned already");
    let pauses = server.get("/api/v1/pauses").ok();
    assert_eq!((&pauses["items"][0]["scope"], pauses["items"].as_array().unwrap().len()), (&json!("agent/web-1"), 1));
    assert_eq!(server.get("/api/v1/agents").ok()["items"][0]["status"]["cordon"], first);
    let free = server.post("/api/v1/agents/web-1/uncordon", &json!({})).ok();
    assert_eq!(free["status"]["cordon"], Value::Null);
    assert_eq!(server.post("/api/v1/agents/web-1/uncordon", &json!({})).status, 200, "and it stays so");
}

#[test]
fn only_an_agent_that_there_is_and_only_with_a_reason() {
    let server = Server::start();
    let _agent = server.agent("web-1");
    for verb in ["cordon", "drain"] {
        server.post(&format!("/api/v1/agents/web-2/{verb}"), &json!({ "reason": "x" })).refused(404, "no_such_agent");
        server.post(&format!("/api/v1/agents/web-1/{verb}"), &json!({ "reason": " " })).refused(400, "bad_parameter");
    }
    server.post("/api/v1/agents/web-2/uncordon", &json!({})).refused(404, "no_such_agent");
}
