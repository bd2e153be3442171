use crate::harness::{Server, workflow};
use serde_json::json;

#[test]
fn a_plan_is_the_difference_to_what_is_live() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo")), ("b.yaml", &workflow("b", "echo"))]);
    let files = json!({ "files": [
        { "path": "a.yaml", "content": workflow("a", "echo changed") },
        { "path": "c.yaml", "content": workflow("c", "echo") },
    ]});
    let answer = server.post("/api/v1/plan", &files).ok();
    let names = |list: &str| answer["plan"][list].as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>();
    assert_eq!((names("create"), names("update"), names("retire")), (vec!["c".into()], vec!["a".into()], vec!["b".into()]));
    assert!(answer["text"].as_str().unwrap().contains("1 to create, 1 to update, 1 to retire"), "{answer}");
    assert_eq!(server.get("/api/v1/workflows").ok()["items"].as_array().unwrap().len(), 2, "nothing was applied");
}

#[test]
fn without_files_the_source_is_planned() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    assert_eq!(server.post("/api/v1/plan", &json!({})).ok()["empty"], true);
}

#[test]
fn errors_leave_nothing_to_plan() {
    let files = json!({ "files": [{ "path": "a.yaml", "content": "kind: Workflow" }] });
    let refused = Server::start().post("/api/v1/plan", &files).refused(422, "invalid_manifests");
    assert_eq!(refused["errors"][0]["file"], "a.yaml");
}
