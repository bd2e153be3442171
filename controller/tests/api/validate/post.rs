use crate::harness::{Server, workflow};
use serde_json::{Value, json};

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

/// `workflow` with a script and a file of its commit.
fn with_files(name: &str) -> String {
    workflow(name, "echo").replace("command: echo", "script: {file: bin/run.sh}\n      files: [data.bin]")
}

#[test]
fn the_files_that_manifests_use_come_with_them() {
    let server = Server::start();
    let manifest = json!({ "path": "a.yaml", "content": with_files("a") });
    let script = json!({ "path": "bin/run.sh", "content": "#!/bin/sh\n", "executable": true });
    let data = json!({ "path": "data.bin", "content": "/wA=", "encoding": "base64" });
    let validate = |files: &[&Value]| server.post("/api/v1/validate", &json!({ "files": files }));
    assert_eq!(validate(&[&manifest, &script, &data]).ok(), json!({ "valid": true, "manifests": 1, "problems": [] }));

    let answer = validate(&[&manifest, &script]).ok();
    let problem = &answer["problems"][0];
    assert_eq!((&problem["file"], &problem["code"]), (&"a.yaml".into(), &"missing-file".into()), "{answer:#}");
    assert_eq!(problem["message"], "there is no file `data.bin` in the source");
    assert_eq!(problem["pointer"], "/spec/steps/0/files/0");

    let large = json!({ "path": "data.bin", "content": "x".repeat((1 << 20) + 1) });
    let answer = validate(&[&manifest, &script, &large]).ok();
    assert_eq!(answer["problems"][0]["message"], "`data.bin` has 1048577 bytes; at most 1 MiB is allowed");

    let hidden = json!({ "path": ".github/ci.yaml", "content": "on: push" });
    assert_eq!(validate(&[&manifest, &script, &data, &hidden]).ok()["manifests"], 1, "passed over, as in a commit");
}

#[test]
fn the_files_of_a_manifest_are_bounded_together() {
    let many = "command: echo\n      files: [f0, f1, f2, f3, f4]";
    let manifest = json!({ "path": "a.yaml", "content": workflow("a", "echo").replace("command: echo", many) });
    let file = |n: usize| json!({ "path": format!("f{n}"), "content": "x".repeat(900_000) });
    let files: Vec<Value> = std::iter::once(manifest).chain((0..5).map(file)).collect();
    let answer = Server::start().post("/api/v1/validate", &json!({ "files": files })).ok();
    assert_eq!(answer["problems"].as_array().unwrap().len(), 1, "{answer:#}");
    let problem = &answer["problems"][0];
    assert_eq!((&problem["code"], &problem["pointer"]), (&json!("files-too-large"), &json!("/spec/steps/0/files/4")));
    assert!(problem["message"].as_str().unwrap().starts_with("with `f4`, the files that this manifest uses have 4500000 bytes"));
}

#[test]
fn files_that_cannot_be_are_refused_by_name() {
    let server = Server::start();
    let refused = |file: Value, part: &str| {
        let problem = server.post("/api/v1/validate", &json!({ "files": [file] })).refused(400, "bad_parameter");
        assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
    };
    for path in ["", "/etc/passwd", "../x.yaml", "./a.yaml", "a//b.yaml"] {
        refused(json!({ "path": path, "content": "" }), "is no path below the source's root");
    }
    refused(json!({ "path": "a", "content": "~~~", "encoding": "base64" }), "the content of `a` is no base64");
    server
        .post("/api/v1/validate", &json!({ "files": [{ "path": "a", "content": "", "encoding": "rot13" }] }))
        .refused(400, "bad_body");
    let too_large = json!({ "files": [{ "path": "a", "content": "x".repeat(32 << 20) }] });
    let problem = server.post("/api/v1/validate", &too_large).refused(413, "body_too_large");
    assert_eq!(problem["detail"], "the body is larger than 33554432 bytes");
}
