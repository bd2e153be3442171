use crate::harness::{ASK, RUN, Server, digest, flow};
use serde_json::{Value, json};

#[test]
fn evidence_puts_together_what_ended_alike_and_shows_its_end() {
    let go = "{id: go, type: execute, targets: [all], command: df, maxFailures: 1}";
    let server = Server::with(&[("a.yaml", &flow("a", "", &[go, ASK]))]);
    let mut agents = ["web-1", "web-2", "web-3"].map(|name| server.agent(name));
    let id = server.run("a");
    let long = format!("{}end of it", "x".repeat(5000));
    agents[0].does("disk is full", 1);
    agents[1].does(&long, 0);
    agents[2].does(&long, 0);
    let open = server.until("/api/v1/prompts", |page| page["items"].as_array().unwrap().len() == 1);
    let path = format!("/api/v1/prompts/{}", open["items"][0]["id"].as_str().unwrap());
    // Output may still be on its way when its command has ended.
    let is_there =
        |one: &Value| one["evidence"]["groups"].as_array().unwrap().iter().all(|group| group["stdout"]["complete"] == true);
    let prompt = server.until(&path, is_there);
    assert_eq!((&prompt["execution"], &prompt["targets"]), (&json!(id), &json!(["web-1", "web-2", "web-3"])));
    let evidence = &prompt["evidence"];
    assert_eq!((&evidence["step"], &evidence["visit"], &evidence["status"]), (&json!("go"), &json!(1), &json!("succeeded")));
    let [alike, other] = evidence["groups"].as_array().unwrap().as_slice() else { panic!("{evidence}") };
    assert_eq!(
        (&alike["agents"], &alike["status"], &alike["exitCode"]),
        (&json!(["web-2", "web-3"]), &json!("succeeded"), &json!(0))
    );
    assert_eq!((&alike["stdout"]["bytes"], &alike["stdout"]["sha256"]), (&json!(5009), &json!(digest(&long))));
    assert_eq!(alike["stdout"]["tail"], long[long.len() - 4096..], "the last 4 KiB");
    assert_eq!((&other["agents"], &other["exitCode"]), (&json!(["web-1"]), &json!(1)));
    assert_eq!((&other["stdout"]["tail"], &other["stderr"]["bytes"]), (&json!("disk is full"), &json!(0)));
}

#[test]
fn without_a_command_before_there_is_none() {
    let timed = ASK.replace('}', ", timeout: 1h, onTimeout: {answer: \"No\"}}");
    let server = Server::with(&[("a.yaml", &flow("a", "", &[&timed, RUN]))]);
    let _agent = server.agent("web-1");
    let asked = server.asks("a");
    let prompt = server.get(&format!("/api/v1/prompts/{}", asked["id"].as_str().unwrap())).ok();
    assert_eq!((&prompt["evidence"], &prompt["timeout"]), (&Value::Null, &json!("1h")));
    let at = |field: &str| prompt[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
    assert_eq!(at("deadline") - at("openedAt"), 3600, "{prompt}");
    let path = format!("/api/v1/prompts/{}", asked["id"].as_str().unwrap());
    server.post(&format!("{path}/answer"), &json!({ "answer": "No" })).ok();
    assert_eq!(server.until(&path, |prompt| prompt["status"] == "answered")["deadline"], Value::Null);
    server.get("/api/v1/prompts/01930000-0000-7000-8000-000000000000").refused(404, "no_such_prompt");
    server.get("/api/v1/prompts/nonsense").refused(404, "no_such_prompt");
}

#[test]
fn a_retry_shows_what_the_execution_before_has_seen() {
    let look = "{id: look, type: execute, targets: [all], command: df, maxFailures: 1}";
    let server = Server::with(&[("a.yaml", &flow("a", "", &[look, ASK, RUN]))]);
    let mut agents = ["web-1", "web-2", "web-3"].map(|name| server.agent(name));
    let id = server.run("a");
    agents[0].does("disk is full", 1);
    agents[1].does("all is well", 0);
    agents[2].does("all is well", 0);
    let asked = server.until("/api/v1/prompts", |page| page["items"].as_array().unwrap().len() == 1);
    let before = asked["items"][0]["id"].as_str().unwrap().to_owned();
    let is_there = |one: &Value| {
        let groups = one["evidence"]["groups"].as_array().unwrap();
        groups.len() == 2 && groups.iter().all(|group| group["stdout"]["complete"] == true)
    };
    let seen = server.until(&format!("/api/v1/prompts/{before}"), is_there);
    server.post(&format!("/api/v1/executions/{id}/cancel"), &json!({})).ok();
    server.until(&format!("/api/v1/executions/{id}"), |one| one["status"] == "cancelled");
    // Twice: what was taken over is taken over again.
    let mut id = id;
    for _ in 0..2 {
        let again = server.post(&format!("/api/v1/executions/{id}/retry"), &json!({})).ok();
        id = again["id"].as_str().unwrap().to_owned();
        let open = server.until("/api/v1/prompts", |page| page["items"].as_array().unwrap().len() == 1);
        let prompt = server.get(&format!("/api/v1/prompts/{}", open["items"][0]["id"].as_str().unwrap())).ok();
        assert_eq!(prompt["execution"], json!(id));
        assert_eq!(prompt["evidence"], seen["evidence"]);
        server.post(&format!("/api/v1/executions/{id}/cancel"), &json!({})).ok();
        server.until(&format!("/api/v1/executions/{id}"), |one| one["status"] == "cancelled");
    }
}
