use crate::harness::Server;
use serde_json::json;

fn replacement(server: &Server, name: &str) -> String {
    let made = server.post(&format!("/api/v1/agents/{name}/replace"), &json!({}));
    assert_eq!(made.status, 201);
    made.ok()["token"].as_str().unwrap().to_owned()
}

#[test]
fn a_host_that_was_installed_anew_takes_its_name_and_the_old_key_is_refused() {
    let server = Server::start();
    let made = server.post("/api/v1/agents/tokens", &json!({ "names": ["web-1"], "labels": { "role": "web" } })).ok();
    let mut old = crate::harness::Agent::connect(&server, "web-1", made["token"].as_str().unwrap());
    let token = replacement(&server, "web-1");
    assert!(old.is_heard(), "until the token is used, nothing changes");
    let mut new = crate::harness::Agent::connect(&server, "web-1", &token);
    assert_eq!(old.refusal(), "replaced");
    assert!(!old.is_heard());
    assert_eq!(old.comes_with(&server, 0, true).err().as_deref(), Some("unknown_agent"), "its key is worth nothing any more");
    assert!(new.is_heard());
    let agent = server.get("/api/v1/agents/web-1").ok();
    assert_eq!(agent["status"]["labels"]["role"], "web", "it is the same agent to those who select it");
}

#[test]
fn a_name_cannot_be_taken_over() {
    let server = Server::start();
    let mut web = server.agent("web-1");
    let foreign = server.post("/api/v1/agents/tokens", &json!({ "uses": 5 })).ok()["token"].as_str().unwrap().to_owned();
    let refused = |name: &str, token: &str| crate::harness::Agent::try_connect(&server, name, token).err().unwrap();
    assert_eq!(refused("web-1", &foreign), "name_taken");
    let token = replacement(&server, "web-1");
    assert_eq!(refused("web-2", &token), "name_not_allowed", "it is for one name");
    let stale = replacement(&server, "web-1");
    let mut next = crate::harness::Agent::connect(&server, "web-1", &token);
    assert_eq!(refused("web-1", &token), "token_spent");
    assert_eq!(refused("web-1", &stale), "replaced_since", "it was made against the one before");
    assert_eq!(web.refusal(), "replaced");
    assert!(next.is_heard() && !web.is_heard());
    server.post("/api/v1/agents/web-9/replace", &json!({})).refused(404, "no_such_agent");
    server.post("/api/v1/agents/web-1/replace", &json!({ "expires": "0s" })).refused(400, "bad_parameter");
}

#[test]
fn of_a_revoked_agent_the_name_comes_back_the_same_way() {
    let server = Server::start();
    let _old = server.agent("web-1");
    assert_eq!(server.delete("/api/v1/agents/web-1").status, 204);
    let token = replacement(&server, "web-1");
    assert!(crate::harness::Agent::connect(&server, "web-1", &token).is_heard());
}
