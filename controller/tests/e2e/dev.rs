//! `pulse-controller dev`: what `make demo` runs.

use crate::harness::{Api, Process, Scene, attempts, free_port, processes_of, step, wait};
use serde_json::json;

/// Starts it on the scene's folder of manifests; its temporary folder lies in the scene's, too.
fn dev(scene: &Scene, further: &[&str]) -> (Process, Api) {
    let address = format!("127.0.0.1:{}", free_port());
    let source = scene.path("source").display().to_string();
    let environment =
        [("TMPDIR", scene.root()), ("HOME", scene.root())].map(|(name, path)| (name.to_owned(), path.display().to_string()));
    let arguments = [&["dev", &source, "--listen", &address], further].concat();
    let log = scene.path("dev.log");
    let process = Process::start(env!("CARGO_BIN_EXE_pulse-controller").as_ref(), &arguments, &environment, &log);
    let token = wait("dev to say its token", || {
        let log = process.log();
        let line = log.lines().find(|line| line.trim_start().starts_with("token "))?.to_owned();
        log.contains("Ctrl-C ends it").then(|| line.split_whitespace().last().unwrap_or_default().to_owned())
    });
    let api = Api::new(format!("http://{address}"), token);
    api.wait_online("local");
    api.wait_synced();
    (process, api)
}

#[test]
fn dev_runs_a_workflow_takes_an_edit_and_ends_cleanly() {
    let scene = Scene::new("dev: run, edit, Ctrl-C");
    let command = |said: &str| format!("{}; echo {said}; {}", scene.witness.start(), scene.witness.end());
    scene.write_workflow("hello", &json!({ "steps": [step("only", &["local"], &command("before"))] }));
    let (mut process, api) = dev(&scene, &[]);
    let says = || {
        let id = api.start(&json!({ "workflow": "hello" }));
        let attempt = attempts(&api.wait_ended(&id))[0].clone();
        api.whole_output(&id, &attempt, "stdout")
    };
    assert_eq!(says(), "before\n");
    scene.write_workflow("hello", &json!({ "description": "new", "steps": [step("only", &["local"], &command("after"))] }));
    wait("the edit to be live", || (api.get("/api/v1/workflows/hello")["spec"]["description"] == "new").then_some(()));
    assert_eq!(says(), "after\n");
    let (status, refusal) = api.try_post("/api/v1/agents/tokens", &json!({}), &[]).expect("an answer");
    assert_eq!(status, 403, "no other agent enrols: {refusal}");
    process.signal("INT");
    assert!(process.wait().success(), "{}", process.log());
    wait("everything to end", || processes_of(scene.root()).is_empty().then_some(()));
    assert!(!process.log().contains("panicked"), "{}", process.log());
    let left: Vec<_> = std::fs::read_dir(scene.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("pulse-dev-")), "its own folder is left: {left:?}");
}

#[test]
fn dev_leaves_nothing_behind_that_runs() {
    let scene = Scene::new("dev: Ctrl-C while a command runs");
    let command = format!("{}; while :; do sleep 0.1; done", scene.witness.start());
    scene.write_workflow("long", &json!({ "steps": [step("only", &["local"], &command)] }));
    let (mut process, api) = dev(&scene, &[]);
    api.start(&json!({ "workflow": "long" }));
    scene.wait_witnessed(1);
    process.signal("INT");
    assert!(process.wait().success(), "{}", process.log());
    wait("shim and command to end with the folder they lived in", || processes_of(scene.root()).is_empty().then_some(()));
}
