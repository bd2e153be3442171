use crate::harness::{Server, workflow};
use serde_json::json;

#[test]
fn every_problem_comes_with_its_place() {
    let server = Server::start();
    let files = json!({ "files": [
        { "path": "good.yaml", "content": workflow("good", "echo") },
        { "path": "bad.yaml", "content": workflow("bad", "echo").replace("execute", "exectue") },
    ]});
    let answer = server.post("/api/v1/validate", &files).ok();
    assert_eq!(answer["valid"], false);
    let problem = &answer["problems"][0];
    assert_eq!((&problem["file"], &problem["code"]), (&"bad.yaml".into(), &"unknown-step-type".into()), "{answer}");
    assert_eq!(problem["line"], 10, "{answer}");
    let good = server.post("/api/v1/validate", &json!({ "files": [files["files"][0]] })).ok();
    assert_eq!(good, json!({ "valid": true, "manifests": 1, "problems": [] }));
}

#[test]
fn a_path_is_given_once() {
    let file = json!({ "path": "a.yaml", "content": "" });
    Server::start().post("/api/v1/validate", &json!({ "files": [file, file] })).refused(400, "bad_parameter");
}
