//! Tokens of the API: told once, scoped, revoked, never stronger than who made them.

use crate::harness::{Server, workflow};
use serde_json::{Value, json};

fn two() -> Server {
    Server::with(&[("a.yaml", &workflow("deploy", "echo")), ("b.yaml", &workflow("other", "echo"))])
}

#[test]
fn a_token_is_told_once_and_known_by_its_prefix() {
    let mut server = two();
    let made =
        server.post("/api/v1/tokens", &json!({"name": "ci", "roles": ["operator"], "expires": "2h", "reason": "pipeline"}));
    assert_eq!(made.status, 201);
    let made = made.ok();
    let value = made["token"].as_str().unwrap().to_owned();
    assert!(value.starts_with(made["prefix"].as_str().unwrap()) && value.len() > 90, "{made}");
    let bearer = format!("Bearer {value}");
    let session = server.send("GET", "/api/v1/session", Some(&bearer), &[], b"").ok();
    assert_eq!((&session["principal"]["name"], &session["principal"]["kind"]), (&json!("token:ci"), &json!("token")));
    let listed = server.get("/api/v1/tokens").ok();
    let listed = &listed["items"][0];
    assert_eq!((&listed["status"], &listed["token"], &listed["createdBy"]), (&json!("active"), &Value::Null, &json!("admin")));
    assert!(listed["lastUsedAt"].is_string(), "{listed}");
    // It is known to the controller that comes after, too.
    server.restart();
    assert_eq!(server.send("GET", "/api/v1/workflows", Some(&bearer), &[], b"").status, 200);
    let id = made["id"].as_str().unwrap();
    assert_eq!(server.delete(&format!("/api/v1/tokens/{id}")).status, 204);
    assert_eq!(server.delete(&format!("/api/v1/tokens/{id}")).status, 204, "once more changes nothing");
    server.send("GET", "/api/v1/workflows", Some(&bearer), &[], b"").refused(401, "unauthorized");
    server.post("/api/v1/tokens", &json!({"name": "ci", "roles": ["viewer"]})).refused(409, "name_taken");
    assert_eq!(server.get("/api/v1/tokens").ok()["items"][0]["status"], "revoked");
}

#[test]
fn what_is_wrong_with_a_wish_is_said() {
    let server = two();
    for (body, code) in [
        (json!({"name": "A b", "roles": ["viewer"]}), "bad_parameter"),
        (json!({"name": "a", "roles": []}), "bad_parameter"),
        (json!({"name": "a", "roles": ["boss"]}), "bad_body"),
        (json!({"name": "a", "roles": ["viewer"], "expires": "0s"}), "bad_parameter"),
        (json!({"name": "a", "roles": ["viewer"], "scope": {"workflows": ["no name"]}}), "bad_parameter"),
        (json!({"name": "a", "roles": ["viewer"], "scope": {"verbs": ["write"]}}), "bad_body"),
        (json!({"name": "a", "roles": ["viewer"], "secret_hash": "x"}), "bad_body"),
    ] {
        server.post("/api/v1/tokens", &body).refused(400, code);
    }
}

#[test]
fn a_scope_hides_everything_else_from_lists_and_from_single_looks() {
    let server = two();
    server.agent("a1");
    let (deploy, other) = (server.run("deploy"), server.run("other"));
    let ci = server.token("ci", &["operator"], &json!({"workflows": ["deploy"]}));
    let get = |path: &str| server.send("GET", path, Some(&ci), &[], b"");
    let names = |page: &Value, field: &str| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|item| item.pointer(field).unwrap().clone()).collect()
    };
    assert_eq!(names(&get("/api/v1/workflows").ok(), "/metadata/name"), ["deploy"]);
    assert_eq!(names(&get("/api/v1/executions").ok(), "/workflow"), ["deploy"]);
    assert_eq!(get(&format!("/api/v1/executions/{deploy}")).status, 200);
    for path in ["", "/events", "/output", "/why"] {
        get(&format!("/api/v1/executions/{other}{path}")).refused(404, "no_such_execution");
    }
    // What is not seen is answered as what does not exist.
    let (hidden, absent) = (get("/api/v1/workflows/other"), get("/api/v1/workflows/nothing"));
    hidden.refused(404, "no_such_workflow");
    assert_eq!(hidden.body, String::from_utf8(absent.body).unwrap().replace("nothing", "other").into_bytes());
    let post = |path: &str, body: Value| {
        server.send("POST", path, Some(&ci), &[("content-type", "application/json")], body.to_string().as_bytes())
    };
    post("/api/v1/executions", json!({"workflow": "other"})).refused(422, "no_such_workflow");
    post(&format!("/api/v1/executions/{other}/cancel"), json!({})).refused(404, "no_such_execution");
    for path in ["/api/v1/agents", "/api/v1/groups", "/api/v1/syncs", "/api/v1/sources", "/api/v1/tokens", "/api/v1/users"] {
        get(path).refused(403, "forbidden");
    }
    assert_eq!(post(&format!("/api/v1/executions/{deploy}/cancel"), json!({})).status, 200);
    assert_eq!(server.get(&format!("/api/v1/executions/{deploy}")).ok()["cancel"]["by"], "token:ci");
}

#[test]
fn nobody_makes_a_token_that_may_do_more_than_they() {
    let policy = "apiVersion: pulse.dev/v1\nkind: AccessPolicy\nmetadata: {name: makers}\nspec:\n  subjects: [\"token:maker\"]\n  \
                  verbs: [administer]\n";
    let server = Server::with(&[("p.yaml", policy)]);
    let maker = server.token("maker", &["viewer"], &json!({}));
    let make = |roles: Value| {
        let body = json!({"name": "made", "roles": roles}).to_string();
        server.send("POST", "/api/v1/tokens", Some(&maker), &[("content-type", "application/json")], body.as_bytes())
    };
    make(json!(["operator"])).refused(403, "forbidden");
    make(json!(["admin"])).refused(403, "forbidden");
    assert_eq!(make(json!(["viewer"])).status, 201);
}

#[test]
fn the_glass_is_broken_by_the_administrators_token_only_and_for_a_short_time() {
    let server = Server::start();
    let admin = server.token("boss", &["admin"], &json!({}));
    let wish = json!({"name": "anna", "reason": "the identity provider is down", "expires": "10m"});
    let json = [("content-type", "application/json")];
    server.send("POST", "/api/v1/tokens/break-glass", Some(&admin), &json, wish.to_string().as_bytes()).refused(403, "forbidden");
    let made = server.post("/api/v1/tokens/break-glass", &wish).ok();
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let session = server.send("GET", "/api/v1/session", Some(&bearer), &[], b"").ok();
    let name = session["principal"]["name"].as_str().unwrap().to_owned();
    assert!(name.starts_with("break-glass:anna-"), "{name}");
    assert_eq!(server.send("GET", "/api/v1/tokens", Some(&bearer), &[], b"").status, 200);
    let too_long = json!({"name": "anna", "reason": "x", "expires": "5h"});
    server.post("/api/v1/tokens/break-glass", &too_long).refused(400, "bad_parameter");
    server.post("/api/v1/tokens/break-glass", &json!({"name": "anna", "reason": " "})).refused(400, "bad_parameter");
}
