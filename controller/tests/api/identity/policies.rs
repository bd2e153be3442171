//! AccessPolicies from Git.

use crate::harness::{Server, flow};
use serde_json::json;

const POLICIES: &str = "apiVersion: pulse.dev/v1
kind: AccessPolicy
metadata: {name: web-runs-its-own}
spec: {subjects: [\"group:web\"], verbs: [view, run], workflows: [\"deploy-web\"]}
---
apiVersion: pulse.dev/v1
kind: AccessPolicy
metadata: {name: nobody-sees-secrets}
spec: {effect: deny, subjects: [everyone], verbs: [view], workflows: [secret]}
---
apiVersion: pulse.dev/v1
kind: AccessPolicy
metadata: {name: anna-cancels-nothing}
spec: {effect: deny, subjects: [\"user:anna\"], verbs: [cancel, pause], workflows: [other]}
";

fn workflows() -> [(String, String); 3] {
    let wait = "{id: rest, type: wait, duration: 1h}";
    ["deploy-web", "secret", "other"].map(|name| (format!("{name}.yaml"), flow(name, "", &[wait])))
}

fn server() -> Server {
    let workflows = workflows();
    let mut files: Vec<(&str, &str)> = workflows.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    files.push(("policies.yaml", POLICIES));
    Server::behind("127.0.0.1", &files)
}

/// A request of somebody whom the proxy names, from our own page.
fn as_user(server: &Server, user: &str, groups: &str, method: &str, path: &str, body: &str) -> crate::harness::Answer {
    let headers = [("remote-user", user), ("remote-groups", groups)];
    let session = server.send("GET", "/api/v1/session", None, &headers, b"").ok();
    let csrf = session["csrf"].as_str().unwrap();
    let all: Vec<_> = headers.iter().chain(&[("x-pulse-csrf", csrf), ("content-type", "application/json")]).copied().collect();
    server.send(method, path, None, &all, body.as_bytes())
}

#[test]
fn a_group_without_a_role_has_what_a_policy_gives() {
    let server = server();
    let ask = |method: &str, path: &str, body: &str| as_user(&server, "wim", "web", method, path, body);
    let seen = ask("GET", "/api/v1/workflows", "").ok();
    assert_eq!(seen["items"].as_array().unwrap().len(), 1, "{seen}");
    let started = ask("POST", "/api/v1/executions", r#"{"workflow": "deploy-web"}"#);
    assert_eq!(started.status, 201);
    ask("POST", "/api/v1/executions", r#"{"workflow": "other"}"#).refused(422, "no_such_workflow");
    let id = started.ok()["id"].as_str().unwrap().to_owned();
    ask("POST", &format!("/api/v1/executions/{id}/cancel"), "{}").refused(403, "forbidden");
    ask("GET", "/api/v1/agents", "").refused(403, "forbidden");
}

#[test]
fn to_deny_beats_every_role_but_not_the_administrators_own_token() {
    let server = server();
    let secret = server.run("secret");
    let boss = |path: &str| as_user(&server, "boss", "admin", "GET", path, "");
    boss("/api/v1/workflows/secret").refused(404, "no_such_workflow");
    boss(&format!("/api/v1/executions/{secret}")).refused(404, "no_such_execution");
    assert_eq!(boss("/api/v1/executions").ok()["items"], json!([]));
    assert_eq!(server.get("/api/v1/executions").ok()["items"].as_array().unwrap().len(), 1);
    let other = server.run("other");
    let anna = |groups: &str| as_user(&server, "anna", groups, "POST", &format!("/api/v1/executions/{other}/cancel"), "{}");
    let refused = anna("admin,employee");
    refused.refused(403, "forbidden");
    assert!(refused.json()["detail"].as_str().unwrap().contains("anna-cancels-nothing"));
    // Nor by what would hold it, too.
    let pause = |scope: &str| {
        let body = format!(r#"{{"scope": "{scope}", "reason": "x"}}"#);
        as_user(&server, "anna", "employee", "POST", "/api/v1/pauses", &body)
    };
    for scope in ["workflow/other", "all", "team=infra"] {
        pause(scope).refused(403, "forbidden");
    }
    assert_eq!(pause("workflow/deploy-web").status, 201);
    assert_eq!(as_user(&server, "bert", "employee", "POST", &format!("/api/v1/executions/{other}/cancel"), "{}").status, 200);
}

#[test]
fn a_changed_policy_is_in_the_plan_and_counts_with_its_commit() {
    let server = server();
    let changed = POLICIES.replace("workflows: [secret]", "workflows: [secret, other]");
    let mut files: Vec<_> = workflows().iter().map(|(file, text)| json!({"path": file, "content": text})).collect();
    files.push(json!({"path": "policies.yaml", "content": changed}));
    let plan = server.post("/api/v1/plan", &json!({ "files": files })).ok();
    assert!(plan.to_string().contains("nobody-sees-secrets"), "{plan}");
    assert_eq!(as_user(&server, "boss", "admin", "GET", "/api/v1/workflows/other", "").status, 200);
    std::fs::write(server.source("policies.yaml"), &changed).unwrap();
    assert_eq!(server.post("/api/v1/syncs", &json!({})).ok()["outcome"], "applied");
    as_user(&server, "boss", "admin", "GET", "/api/v1/workflows/other", "").refused(404, "no_such_workflow");
    std::fs::remove_file(server.source("policies.yaml")).unwrap();
    server.post("/api/v1/syncs", &json!({})).ok();
    assert_eq!(as_user(&server, "boss", "admin", "GET", "/api/v1/workflows/secret", "").status, 200);
}
