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

#[test]
fn an_edit_of_a_script_alone_is_an_update() {
    let manifest = workflow("a", "echo").replace("command: echo", "script: {file: run.sh}");
    let server = Server::with(&[("a.yaml", &manifest), ("run.sh", "echo 1\n"), ("b.yaml", &workflow("b", "echo"))]);
    let plan = |script: &str, executable: bool| {
        let files = json!({ "files": [
            { "path": "a.yaml", "content": manifest },
            { "path": "b.yaml", "content": workflow("b", "echo") },
            { "path": "run.sh", "content": script, "executable": executable },
        ]});
        server.post("/api/v1/plan", &files).ok()
    };
    assert_eq!(plan("echo 1\n", false)["empty"], true);
    for changed in [plan("echo 2\n", false), plan("echo 1\n", true)] {
        assert_eq!(changed["plan"]["update"][0]["name"], "a", "{changed:#}");
        assert_eq!(changed["plan"]["unchanged"][0]["name"], "b", "{changed:#}");
        assert_ne!(changed["plan"]["update"][0]["from"], changed["plan"]["update"][0]["to"]);
    }
}
