use crate::harness::{ASK, Server, flow, workflow};
use pulse_protocol::Observed;
use pulse_protocol::observation::EndKind;
use serde_json::{Value, json};

#[test]
fn an_execution_shows_steps_targets_and_attempts() {
    let server = Server::with(&[("a.yaml", &workflow("a", "exit 3"))]);
    let mut agent = server.agent("web-1");
    let id = server.run("a");
    let attempt = agent.assigned().attempt;
    agent.report(attempt, Observed::Started { pid: 77 });
    let path = format!("/api/v1/executions/{id}");
    let running = server.until(&path, |one| one["steps"][0]["targets"][0]["attempts"][0]["state"] == "started");
    assert_eq!((&running["status"], &running["startedBy"]), (&"running".into(), &"admin".into()));
    assert_eq!(running["reasons"][0]["code"], "running");
    assert!(running["reasons"][0]["message"].as_str().unwrap().contains("step `go` on web-1"));
    agent.ended(attempt, EndKind::Exited { code: 3 }, 0);
    let failed = server.until(&path, |one| one["status"] == "failed");
    let target = &failed["steps"][0]["targets"][0];
    assert_eq!((&target["status"], &target["reason"]), (&"failed".into(), &"exit code 3".into()), "{failed}");
    let shown = &target["attempts"][0];
    assert_eq!((&shown["exitCode"], &shown["try"], &shown["id"]), (&3.into(), &1.into(), &attempt.to_string().into()));
    assert_eq!(server.get("/api/v1/executions/a%231").ok()["id"], id.as_str());
    server.get("/api/v1/executions/a%232").refused(404, "no_such_execution");
    server.get("/api/v1/executions/nonsense").refused(404, "no_such_execution");
}

#[test]
fn every_type_of_step_shows_what_it_did() {
    let steps = [
        "{id: df, type: execute, targets: [all], command: df}",
        "{id: read, type: parse, from: df}",
        "{id: choose, type: route, routes: [{if: 'int(state.used) > 95', goto: end}, {if: 'int(state.used) > 90', goto: ask, label: Full}]}",
        "{id: never, type: wait, duration: 1h}",
        ASK,
        "{id: rest, type: wait, duration: 1s}",
    ];
    let server = Server::with(&[("a.yaml", &flow("a", "", &steps))]);
    let mut agent = server.agent("web-1");
    let path = format!("/api/v1/executions/{}", server.run("a"));
    let first = server.get(&path).ok();
    let types: Vec<_> = first["steps"].as_array().unwrap().iter().map(|step| step["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["execute", "parse", "route", "wait", "prompt", "wait"], "those to come, too");
    agent.does("USED=91\n", 0);
    let asks = server.until(&path, |one| one["status"] == "waiting");
    assert_eq!((&asks["state"], &asks["labels"]), (&json!({ "used": "91" }), &json!({ "team": "infra" })));
    assert_eq!(asks["waits"]["for"], "person");
    let step = |one: &Value, id: &str| one["steps"].as_array().unwrap().iter().find(|step| step["id"] == id).unwrap().clone();
    assert_eq!(step(&asks, "read")["parsed"], json!({ "used": "91" }));
    assert_eq!(step(&asks, "choose")["route"], json!({ "place": 1, "label": "Full", "goto": "ask" }));
    assert!(asks["steps"].as_array().unwrap().iter().all(|step| step["id"] != "never"), "it was passed over: {asks}");
    let open = step(&asks, "ask")["prompt"].clone();
    assert_eq!((&open["options"], &open["timeout"], &open["closedAt"]), (&json!(["Yes", "No"]), &Value::Null, &Value::Null));
    let answer = json!({ "answer": "Yes", "comment": "go on" });
    server.post(&format!("/api/v1/prompts/{}/answer", open["id"].as_str().unwrap()), &answer).ok();
    let done = server.until(&path, |one| one["status"] == "succeeded");
    let (asked, rest) = (step(&done, "ask"), step(&done, "rest"));
    assert_eq!((&asked["answer"], &asked["prompt"]["answeredBy"]), (&json!("Yes"), &json!("admin")));
    assert_eq!((&asked["prompt"]["comment"], &asked["prompt"]["closedAt"]), (&json!("go on"), &asked["endedAt"]));
    let at = |field: &str| rest[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_microsecond();
    assert_eq!(at("until") - at("startedAt"), 1_000_000, "{rest}");
    assert_eq!((&done["waits"], &done["retryOf"]), (&Value::Null, &Value::Null));
}

#[test]
fn what_retention_has_removed_is_said_to_be_gone_to_whoever_saw_it() {
    let allow = workflow("a", "echo").replace("spec:\n", "spec:\n  concurrency: {policy: Allow}\n");
    let server = Server::with(&[("a.yaml", &allow), ("b.yaml", &workflow("b", "echo"))]);
    let _agent = server.agent("web-1");
    let ids = [server.run("a"), server.run("a")];
    server.meddle(&format!("DELETE FROM executions WHERE id = '{}'", ids[0]));
    for path in ["", "/why", "/events", "/output"] {
        let gone = server.get(&format!("/api/v1/executions/a%231{path}")).refused(410, "execution_removed");
        assert!(
            gone["detail"].as_str().unwrap().contains("a#1") && gone["help"].as_str().unwrap().contains("PULSE_KEEP"),
            "{gone}"
        );
    }
    for name in ["a%233", "a%230", "a%23-1", "b%231", "c%231", &ids[0]] {
        server.get(&format!("/api/v1/executions/{name}")).refused(404, "no_such_execution");
    }
    let blind = server.token("blind", &["viewer"], &serde_json::json!({ "workflows": ["b"] }));
    server.send("GET", "/api/v1/executions/a%231", Some(&blind), &[], b"").refused(404, "no_such_execution");
}
