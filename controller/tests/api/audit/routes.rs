//! Every route that changes something, walked from the router itself: whatever comes of a request, it leaves one row; and whatever only
//! looks leaves none.

use super::{of_request, rows, sealed};
use crate::harness::{ASK, Server, flow, workflow};
use pulse_controller::api::{Mark, marks};
use pulse_protocol::observation::{EndKind, UnknownReason};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What takes a body and changes nothing, or has a history of its own.
const LOOKS: [&str; 3] = ["/api/v1/validate", "/api/v1/plan", "/webhooks/gitea"];

/// What is looked at, and lets somebody in.
const COMES: [&str; 1] = ["/auth/oidc/callback"];

#[test]
fn every_route_that_changes_something_is_marked() {
    let mut actions = BTreeSet::new();
    for (method, path, mark) in marks() {
        let looks = (method.is_safe() && !COMES.contains(&path)) || LOOKS.contains(&path);
        assert_eq!(mark == Mark::Look, looks, "{method} {path}: {mark:?}");
        if let Some(action) = mark.action() {
            let words: Vec<&str> = action.split('.').collect();
            assert!(words.len() == 2 && action.len() <= 64, "{action}");
            assert!(actions.insert(action), "{action} is another route's");
        }
    }
    assert!(actions.len() >= 16, "{actions:?}");
}

#[test]
fn whatever_comes_of_a_request_it_leaves_one_row() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let viewer = server.token("viewer", &["viewer"], &json!({}));
    let root = server.bearer();
    let bodies: [(&str, &[u8]); 3] = [("empty", b"{}"), ("wrong", b"{\"nonsense\": 1}"), ("broken", b"{")];
    let mut expected: BTreeMap<String, (usize, &str)> = BTreeMap::new();
    for (number, (method, path, mark)) in marks().into_iter().enumerate() {
        let path = path.replace("{name}", "x").replace("{id}", "x");
        // It would be an open socket.
        if path.ends_with("/events") || path.ends_with("/session") && method == "GET" {
            continue;
        }
        for (who, bearer) in [("root", &root), ("viewer", &viewer)] {
            let bodies = if method == "POST" { &bodies[..] } else { &bodies[..1] };
            for (what, body) in bodies {
                let id = format!("{number}-{who}-{what}");
                let headers = [("content-type", "application/json"), ("x-request-id", id.as_str())];
                let body = if method == "POST" { *body } else { b"" };
                server.send(method.as_str(), &path, Some(bearer), &headers, body);
                expected.insert(id, (usize::from(mark != Mark::Look), mark.action().unwrap_or("")));
            }
        }
    }
    let rows = rows(&server);
    for (id, (count, action)) in &expected {
        let found = of_request(&rows, id);
        assert_eq!(found.len(), *count, "{id} {action}: {found:#?}");
        for row in found {
            let known = row["principal"]["name"].as_str();
            let who = if id.contains("root") { "admin" } else { "token:viewer" };
            // Whoever begins a session is known by what they begin it with.
            assert!(known == Some(who) || ["session.begin", "session.oidc"].contains(action), "{row:#}");
            assert_eq!((&row["action"], &row["peer"]), (&json!(action), &json!("127.0.0.1")), "{row:#}");
            assert_ne!(row["outcome"], "begun", "{row:#}");
        }
    }
    let refused = rows.iter().filter(|row| row["outcome"] == "refused").count();
    assert!(refused > 40 && rows.iter().any(|row| row["status"] == 403), "{refused}");
    server.get("/api/v1/audit/verify").ok();
}

/// A request and what it is called.
fn ask(server: &Server, id: &str, method: &str, path: &str, body: &Value) -> Value {
    let headers = [("content-type", "application/json"), ("x-request-id", id)];
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let answer = server.send(method, path, Some(&server.bearer()), &headers, &body);
    assert!((200..300).contains(&answer.status), "{id}: {answer:?}");
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

#[test]
fn each_change_is_told_with_its_object_and_how_that_was_before_and_after() {
    let files = [
        ("a.yaml", workflow("a", "echo")),
        ("b.yaml", flow("b", "", &[ASK])),
        ("c.yaml", workflow("c", "echo")),
        ("d.yaml", workflow("d", "echo")),
    ];
    let server = Server::with(&files.each_ref().map(|(path, text)| (*path, text.as_str())));
    let mut agent = server.agent("web-1");
    let post = |id: &str, path: &str, body: Value| ask(&server, id, "POST", path, &body);
    let delete = |id: &str, path: &str| ask(&server, id, "DELETE", path, &Value::Null);
    let text = |value: &Value| value.as_str().unwrap().to_owned();

    let start = post("start", "/api/v1/executions", json!({ "workflow": "a", "params": { "who": "everybody" } }));
    let id = text(&start["id"]);
    let dry = post("dry", "/api/v1/executions", json!({ "workflow": "c", "dryRun": true }));
    assert!(dry["id"].is_null(), "{dry}");
    let attempt = agent.assigned().attempt;
    agent.ended(attempt, EndKind::Unknown { reason: UnknownReason::SupervisorLost }, 0);
    server.until(&format!("/api/v1/executions/{id}"), |one| one["status"] == "waiting");
    let word = json!({ "attempt": attempt, "outcome": "failed", "reason": "the log says so" });
    post("resolve", &format!("/api/v1/executions/{id}/resolve"), word);
    server.until(&format!("/api/v1/executions/{id}"), |one| one["status"] == "failed");
    let retry = post("retry", &format!("/api/v1/executions/{id}/retry"), json!({}));
    let cancel = format!("/api/v1/executions/{}/cancel", text(&retry["id"]));
    post("cancel", &cancel, json!({ "reason": "enough" }));
    post("cancel-again", &cancel, json!({ "reason": "enough" }));
    let prompt = server.asks("b");
    post("answer", &format!("/api/v1/prompts/{}/answer", text(&prompt["id"])), json!({ "answer": "Yes" }));
    let pause = post("pause", "/api/v1/pauses", json!({ "scope": "workflow/a", "reason": "a freeze" }));
    post("pause-again", "/api/v1/pauses", json!({ "scope": "workflow/a", "reason": "a freeze" }));
    delete("resume", &format!("/api/v1/pauses/{}", text(&pause["id"])));
    let token = post("token", "/api/v1/tokens", json!({ "name": "ci", "roles": ["viewer"] }));
    delete("untoken", &format!("/api/v1/tokens/{}", text(&token["id"])));
    post("glass", "/api/v1/tokens/break-glass", json!({ "name": "anna", "reason": "the proxy is down" }));
    post("enrol", "/api/v1/agents/tokens", json!({ "uses": 2 }));
    let command = post("command", "/api/v1/commands", json!({ "targets": ["web-1"], "command": "uptime" }));
    post("command-dry", "/api/v1/commands", json!({ "targets": ["web-1"], "command": "uptime", "dryRun": true }));
    post("cordon", "/api/v1/agents/web-1/cordon", json!({ "reason": "a new disk" }));
    post("cordon-again", "/api/v1/agents/web-1/cordon", json!({ "reason": "a new disk" }));
    post("uncordon", "/api/v1/agents/web-1/uncordon", json!({}));
    post("drain", "/api/v1/agents/web-1/drain", json!({ "reason": "a new house" }));
    let replacement = post("replace", "/api/v1/agents/web-1/replace", json!({}));
    delete("revoke", "/api/v1/agents/web-1");
    post("sync", "/api/v1/syncs", json!({}));
    for file in ["a.yaml", "b.yaml", "c.yaml", "d.yaml"] {
        std::fs::remove_file(server.source(file)).unwrap();
    }
    let held = post("hold", "/api/v1/syncs", json!({}));
    assert_eq!(held["outcome"], "held", "{held}");
    let word = json!({ "commit": held["commit"], "planDigest": held["planDigest"] });
    post("confirm", &format!("/api/v1/syncs/{}/confirm", text(&held["id"])), word);
    let session = post("session", "/api/v1/session", json!({ "token": "a-token-for-tests" }));
    assert!(session.is_null());
    delete("out", "/api/v1/session");

    let rows = rows(&server);
    let one = |request: &str| {
        let found = of_request(&rows, request);
        let [row] = found.as_slice() else { panic!("{request}: {found:#?}") };
        row.clone()
    };
    // The request, its action, the object, its outcome, and whether the object was there before and after.
    let execution = |value: &Value| json!({ "kind": "execution", "id": value });
    let source = json!({ "kind": "source", "id": "default" });
    let expected = [
        ("start", "execution.start", execution(&start["id"]), "done", (false, true)),
        ("dry", "execution.start", json!({ "kind": "workflow", "id": "c" }), "unchanged", (false, false)),
        ("command", "command.run", execution(&command["id"]), "done", (false, true)),
        ("command-dry", "command.run", json!({ "kind": "workflow", "id": "command" }), "unchanged", (false, false)),
        ("resolve", "execution.resolve", execution(&start["id"]), "done", (true, true)),
        ("retry", "execution.retry", execution(&retry["id"]), "done", (false, true)),
        ("cancel", "execution.cancel", execution(&retry["id"]), "done", (true, true)),
        ("cancel-again", "execution.cancel", execution(&retry["id"]), "unchanged", (false, false)),
        ("answer", "prompt.answer", execution(&prompt["execution"]), "done", (true, true)),
        ("pause", "pause.set", json!({ "kind": "pause", "id": pause["id"] }), "done", (false, true)),
        ("pause-again", "pause.set", json!({ "kind": "pause", "id": pause["id"] }), "unchanged", (false, true)),
        ("resume", "pause.end", json!({ "kind": "pause", "id": pause["id"] }), "done", (true, true)),
        ("token", "token.create", json!({ "kind": "token", "id": token["id"] }), "done", (false, true)),
        ("untoken", "token.revoke", json!({ "kind": "token", "id": token["id"] }), "done", (true, true)),
        ("cordon", "agent.cordon", json!({ "kind": "agent", "id": "web-1" }), "done", (true, true)),
        ("cordon-again", "agent.cordon", json!({ "kind": "agent", "id": "web-1" }), "unchanged", (false, false)),
        ("uncordon", "agent.uncordon", json!({ "kind": "agent", "id": "web-1" }), "done", (true, true)),
        ("drain", "agent.drain", json!({ "kind": "agent", "id": "web-1" }), "done", (true, true)),
        ("replace", "agent.replace", json!({ "kind": "enrolment-token", "id": replacement["id"] }), "done", (false, true)),
        ("revoke", "agent.revoke", json!({ "kind": "agent", "id": "web-1" }), "done", (true, true)),
        ("sync", "source.sync", source.clone(), "unchanged", (false, false)),
        ("hold", "source.sync", source.clone(), "unchanged", (false, false)),
        ("confirm", "sync.confirm", json!({ "kind": "sync", "id": held["id"] }), "done", (false, false)),
    ];
    for (request, action, object, outcome, (before, after)) in &expected {
        let row = one(request);
        assert_eq!((&row["action"], &row["object"], &row["outcome"]), (&json!(action), object, &json!(outcome)), "{row:#}");
        let there = |field: &str| row[field].as_str().is_some_and(|digest| digest.len() == 64);
        assert_eq!((there("before"), there("after")), (*before, *after), "{row:#}");
        let who = json!({ "name": "admin", "kind": "root", "means": "admin_token" });
        assert_eq!((&row["principal"], &row["peer"], &row["code"]), (&who, &json!("127.0.0.1"), &Value::Null), "{row:#}");
    }
    let done: BTreeSet<&str> =
        rows.iter().filter(|row| row["outcome"] == "done").filter_map(|row| row["action"].as_str()).collect();
    let all: BTreeSet<&str> = marks().iter().filter_map(|(_, _, mark)| mark.action()).collect();
    assert_eq!(
        all.difference(&done).collect::<Vec<_>>(),
        [&"session.oidc", &"source.sync"],
        "what a sync changes is the source's row, and there is no issuer here"
    );
    // A chain of digests: the one after a change is the one before the next.
    assert_eq!(one("pause")["after"], one("resume")["before"]);
    assert_ne!(one("resume")["before"], one("resume")["after"]);
    assert_eq!(one("start")["details"]["params"], json!(["who"]), "names, and no values");
    let applied: Vec<&Value> = rows.iter().filter(|row| row["action"] == "source.apply").collect();
    let [last, first] = applied.as_slice() else { panic!("{applied:#?}") };
    assert_eq!((&last["before"], &first["before"]), (&first["after"], &Value::Null), "digests of what is live");
    let who = json!({ "name": "source:default", "kind": "source", "means": "sync" });
    assert_eq!((&last["principal"], &last["peer"], &last["details"]["confirmedBy"]), (&who, &Value::Null, &json!("admin")));
    assert_eq!((&last["details"]["commit"], &last["details"]["retire"]), (&held["commit"], &json!(4)));
    let sealed = sealed(&server);
    let verdict = server.get("/api/v1/audit/verify").ok();
    assert_eq!((&verdict["ok"], &verdict["verified"]), (&json!(true), &json!(sealed)), "{verdict}");
}

#[test]
fn one_request_with_a_key_is_one_start() {
    let server =
        Server::with(&[("a.yaml", &workflow("a", "echo")), ("b.yaml", &flow("b", "concurrency: {policy: Forbid}", &[ASK]))]);
    for id in ["first", "second"] {
        let headers = [("idempotency-key", "k"), ("x-request-id", id)];
        assert_eq!(server.post_with("/api/v1/executions", &json!({ "workflow": "b" }), &headers).status, 201);
    }
    server
        .post_with("/api/v1/executions", &json!({ "workflow": "b" }), &[("x-request-id", "third")])
        .refused(409, "already_running");
    let rows = rows(&server);
    let told = |id: &str| {
        let found = of_request(&rows, id);
        let [row] = found.as_slice() else { panic!("{id}: {found:#?}") };
        (row["outcome"].clone(), row["object"].clone(), row["code"].clone())
    };
    let (first, second) = (told("first"), told("second"));
    assert_eq!((&first.0, &second.0), (&json!("done"), &json!("unchanged")));
    assert_eq!(first.1, second.1, "the same execution");
    assert_eq!(told("third"), (json!("refused"), json!({ "kind": "workflow", "id": "b" }), json!("already_running")));
}

#[test]
fn what_a_dead_controller_was_doing_is_unknown() {
    let mut server = Server::start();
    let rows_of = "INSERT INTO audit (id, happened_at, action, outcome, details) VALUES";
    server.meddle(&format!(
        "{rows_of} ('01930000-0000-7000-8000-000000000001', 1795000000000000, 'token.create', 'begun', '{{}}')"
    ));
    server.restart();
    let row = rows(&server).into_iter().find(|row| row["action"] == "token.create").unwrap();
    assert_eq!((&row["outcome"], row["seq"].is_i64()), (&json!("unknown"), true), "{row:#}");
}
