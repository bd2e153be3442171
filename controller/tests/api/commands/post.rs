//! One command on a selection: an execution like any other.

use crate::harness::{Answer, Server, workflow};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/commands";

const GROUP: &str = "apiVersion: pulse.dev/v1
kind: AgentGroup
metadata: {name: web}
spec: {agents: [web-1, web-2]}
---
apiVersion: pulse.dev/v1
kind: Agent
metadata: {name: web-1, labels: {role: web}}
---
apiVersion: pulse.dev/v1
kind: Agent
metadata: {name: db-1, labels: {role: db}}
---
apiVersion: pulse.dev/v1
kind: AccessPolicy
metadata: {name: web-commands-web}
spec: {subjects: [\"group:web\"], verbs: [command], agents: [\"role=web\", web-2]}
---
apiVersion: pulse.dev/v1
kind: AccessPolicy
metadata: {name: web-looks}
spec: {subjects: [\"group:web\"], verbs: [view, run], workflows: [command]}
---
apiVersion: pulse.dev/v1
kind: AccessPolicy
metadata: {name: nobody-commands-db}
spec: {effect: deny, subjects: [\"user:boss\"], verbs: [command], agents: [\"role=db\"]}
";

fn uptime() -> Value {
    json!({ "targets": ["web-1"], "command": "uptime" })
}

#[test]
fn a_command_is_an_execution_that_is_found_everywhere() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut agent = server.agent("web-1");
    let body = json!({
        "targets": ["all"], "command": "echo \"$WHO\"", "shell": "bash", "env": { "WHO": "you" }, "timeout": "90s", "maxParallel": 3, "reason": " a look ",
    });
    let answer = server.post(PATH, &body);
    assert_eq!(answer.status, 201);
    let started = answer.ok();
    let id = started["id"].as_str().unwrap();
    assert_eq!(
        (&started["name"], &started["workflow"], &started["source"]),
        (&json!("command#1"), &json!("command"), &json!("default"))
    );
    assert_eq!(answer.header("location"), format!("/api/v1/executions/{id}"));
    let assigned = agent.assigned();
    let command = assigned.command.unwrap();
    assert_eq!(
        (command.script.as_str(), command.env["WHO"].as_str(), command.argv[0].as_str()),
        ("echo \"$WHO\"", "you", "bash")
    );
    agent.output(assigned.attempt, 0, b"you\n");
    agent.ended(assigned.attempt, pulse_protocol::observation::EndKind::Exited { code: 0 }, 4);
    let ended = server.until("/api/v1/executions/command%231", |one| one["status"] == "succeeded");
    assert_eq!((&ended["id"], &ended["labels"], &ended["params"]), (&json!(id), &json!({}), &json!({})));
    assert_eq!(ended["trigger"], json!({ "kind": "person", "by": "admin", "slot": null, "reason": "a look" }));
    assert_eq!((&ended["steps"][0]["id"], &ended["steps"][0]["targets"][0]["agent"]), (&json!("command"), &json!("web-1")));
    let found = server.get("/api/v1/executions?workflow=command&agent=web-1").ok();
    assert_eq!((found["items"].as_array().unwrap().len(), &found["items"][0]["id"]), (1, &json!(id)));
    let events = server.get(&format!("/api/v1/executions/{id}/events")).ok();
    assert_eq!(events["items"][0]["type"], "created");
    let output = server.get(&format!("/api/v1/executions/{id}/output")).ok();
    assert_eq!(output["items"][0]["text"], "you\n");
    assert_eq!(server.get(&format!("/api/v1/executions/{id}/why")).ok()["items"], json!([]));
    let workflows = server.get("/api/v1/workflows").ok();
    assert_eq!(workflows["items"].as_array().unwrap().len(), 1, "it is no workflow of a source: {workflows}");
    server.post("/api/v1/executions", &json!({ "workflow": "command" })).refused(422, "no_such_workflow");
}

#[test]
fn commands_run_side_by_side_and_are_counted() {
    let server = Server::start();
    let _agent = server.agent("web-1");
    let names = [1, 2].map(|_| server.post(PATH, &uptime()).ok()["name"].clone());
    assert_eq!(names, [json!("command#1"), json!("command#2")], "no source is needed");
    let cancelled = server.post("/api/v1/executions/command%231/cancel", &json!({ "mode": "kill" })).ok();
    assert_eq!(cancelled["changed"], json!(true));
}

#[test]
fn the_same_key_runs_it_once() {
    let server = Server::start();
    let _agent = server.agent("web-1");
    let key = [("idempotency-key", "k-1")];
    let first = server.post_with(PATH, &json!({ "targets": ["web-1"], "command": "uptime", "timeout": "1h" }), &key);
    let again = server.post_with(PATH, &uptime(), &key);
    assert_eq!(first.ok()["id"], again.ok()["id"], "what is said and what is meant unless said are the same");
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    server.post_with(PATH, &json!({ "targets": ["web-1"], "command": "reboot" }), &key).refused(422, "idempotency_mismatch");
    server
        .post_with(PATH, &json!({ "targets": ["web-1"], "command": "uptime", "dryRun": true }), &key)
        .refused(400, "bad_header");
    assert_eq!(server.get("/api/v1/executions").ok()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn it_is_repeated_as_it_was_and_from_no_other_commit() {
    let server = Server::start();
    let mut agent = server.agent("web-1");
    let id = server.post(PATH, &uptime()).ok()["id"].as_str().unwrap().to_owned();
    agent.does("", 1);
    server.until(&format!("/api/v1/executions/{id}"), |one| one["status"] == "failed");
    let retry = |body: &Value| server.post(&format!("/api/v1/executions/{id}/retry"), body);
    retry(&json!({ "from": "start", "commit": "head" })).refused(422, "bad_retry");
    let again = retry(&json!({})).ok();
    assert_eq!((&again["name"], &again["retryOf"]), (&json!("command#2"), &json!(id)));
    assert_eq!(agent.assigned().command.unwrap().script, "uptime");
}

#[test]
fn a_dry_run_says_targets_and_command() {
    let server = Server::with(&[("web.yaml", GROUP)]);
    let _agents = ["web-1", "web-2", "db-1"].map(|name| server.agent(name));
    let body = json!({ "targets": ["web", "db-1"], "limit": "role!=web", "command": "df {{ agent.name }}", "dryRun": true });
    let answer = server.post(PATH, &body);
    assert_eq!(answer.status, 200);
    let step = &answer.ok()["steps"][0];
    assert_eq!((&step["targets"], &step["type"]), (&json!(["db-1", "web-2"]), &json!("execute")), "{step}");
    assert!(step["script"].as_str().unwrap().starts_with("df \"${PULSE_"), "{step}");
    assert_eq!(server.get("/api/v1/executions").ok()["items"], json!([]));
}

fn errors(refused: &Value) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{refused}")).to_owned();
    refused["errors"].as_array().unwrap().iter().map(|one| (word(&one["pointer"]), word(&one["code"]))).collect()
}

#[test]
fn what_a_step_could_not_be_is_refused_with_every_place() {
    let server = Server::start();
    let _agent = server.agent("web-1");
    let wrong = json!({
        "targets": [], "command": "", "timeout": 60, "user": "Root", "script": { "file": "a.sh" }, "onOffline": "wait", "what": 1,
    });
    let refused = server.post(PATH, &wrong).refused(422, "bad_command");
    let expected = [
        ("/targets", "empty"),
        ("/command", "empty"),
        ("/timeout", "wrong-type"),
        ("/user", "bad-value"),
        ("/script", "unknown-field"),
        ("/onOffline", "bad-value"),
        ("/what", "unknown-field"),
    ];
    assert_eq!(errors(&refused), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    let templates = json!({ "targets": ["{{ params.x }}"], "command": "echo '{{ agent.name }}'" });
    let refused = server.post(PATH, &templates).refused(422, "bad_command");
    assert_eq!(
        errors(&refused),
        [("/command", "bad-template"), ("/targets/0", "bad-value")].map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    assert!(refused["errors"][0]["help"].is_string(), "{refused}");
    for targets in [json!(["nobody"]), json!(["role=none"])] {
        server.post(PATH, &json!({ "targets": targets, "command": "df" })).refused(422, "bad_targets");
    }
    server.post(PATH, &json!({ "targets": ["web-1"], "command": "df", "limit": "web-2" })).refused(422, "bad_targets");
    server.post(PATH, &json!({ "targets": ["web-1"], "command": "df", "source": "other" })).refused(404, "no_such_source");
    server.post(PATH, &json!({ "targets": ["web-1"], "command": "df", "dryRun": "yes" })).refused(400, "bad_body");
    let long = json!({ "targets": ["web-1"], "command": "df", "reason": "x".repeat(1001) });
    server.post(PATH, &long).refused(400, "bad_parameter");
    assert_eq!(server.get("/api/v1/executions").ok()["items"], json!([]), "nothing was started");
}

#[test]
fn a_source_cannot_have_the_name() {
    let server = Server::start();
    let files = json!([{ "path": "c.yaml", "content": workflow("command", "echo") }]);
    let said = server.post("/api/v1/validate", &json!({ "files": files })).ok();
    assert_eq!((&said["valid"], &said["problems"][0]["code"]), (&json!(false), &json!("reserved-name")), "{said}");
    assert_eq!(said["problems"][0]["line"], json!(4), "{said}");
}

/// A request of somebody whom the proxy names, from our own page.
fn as_user(server: &Server, user: &str, groups: &str, path: &str, body: &Value) -> Answer {
    let headers = [("remote-user", user), ("remote-groups", groups)];
    let session = server.send("GET", "/api/v1/session", None, &headers, b"").ok();
    let csrf = session["csrf"].as_str().unwrap();
    let all: Vec<_> = headers.iter().chain(&[("x-pulse-csrf", csrf), ("content-type", "application/json")]).copied().collect();
    server.send("POST", path, None, &all, body.to_string().as_bytes())
}

#[test]
fn each_agent_is_judged_and_the_one_that_is_refused_is_named() {
    let server = Server::behind("127.0.0.1", &[("web.yaml", GROUP)]);
    let _agents = ["web-1", "web-2", "db-1"].map(|name| server.agent(name));
    let on = |user: &str, groups: &str, targets: &[&str]| {
        as_user(&server, user, groups, PATH, &json!({ "targets": targets, "command": "uptime" }))
    };
    assert_eq!(on("wim", "web", &["web"]).status, 201, "by label and by name");
    let refused = on("wim", "web", &["all"]).refused(403, "forbidden");
    assert_eq!(refused["targets"], json!(["db-1"]));
    assert!(refused["detail"].as_str().unwrap().contains("`db-1`"), "{refused}");
    let denied = on("boss", "admin", &["all"]).refused(403, "forbidden");
    assert!(denied["detail"].as_str().unwrap().contains("nobody-commands-db"), "{denied}");
    assert_eq!(on("boss", "admin", &["role!=db"]).status, 201);
    for (user, group) in [("olaf", "employee"), ("vera", "viewer"), ("otto", "auditor")] {
        on(user, group, &["web-1"]).refused(403, "forbidden");
    }
    let token = server.token("web-only", &["admin"], &json!({ "workflows": ["command"] }));
    let sent = server.send("POST", PATH, Some(&token), &[("content-type", "application/json")], uptime().to_string().as_bytes());
    sent.refused(403, "forbidden");
}

#[test]
fn a_right_to_run_workflows_repeats_no_command() {
    let server = Server::behind("127.0.0.1", &[("web.yaml", GROUP)]);
    let mut agents = ["web-1", "db-1"].map(|name| server.agent(name));
    let ids = ["web-1", "db-1"].map(|name| {
        let started = server.post(PATH, &json!({ "targets": [name], "command": "uptime" })).ok();
        started["id"].as_str().unwrap().to_owned()
    });
    for (agent, id) in agents.iter_mut().zip(&ids) {
        agent.does("", 1);
        server.until(&format!("/api/v1/executions/{id}"), |one| one["status"] == "failed");
    }
    let retry = |user: &str, groups: &str, id: &str| {
        as_user(&server, user, groups, &format!("/api/v1/executions/{id}/retry"), &json!({}))
    };
    let refused = retry("olaf", "employee", &ids[0]).refused(403, "forbidden");
    assert_eq!(refused["targets"], json!(["web-1"]));
    retry("wim", "web", &ids[1]).refused(403, "forbidden");
    assert_eq!(retry("wim", "web", &ids[0]).status, 201);
    let seen = server.send(
        "GET",
        &format!("/api/v1/executions/{}", ids[0]),
        None,
        &[("remote-user", "vera"), ("remote-groups", "viewer")],
        b"",
    );
    assert_eq!(seen.status, 200, "whoever may view sees it");
}
