//! The way that everything else is compared with: nothing fails.

use crate::harness::{Engine, Scene, attempts, on_both, step};
use serde_json::json;

on_both! {
    a_workflow_runs_and_its_output_is_kept
    one_request_starts_one_execution_however_often_it_comes
}

fn a_workflow_runs_and_its_output_is_kept(engine: Engine) {
    let mut scene = Scene::on(engine, "happy: a workflow runs");
    let (start, end) = (scene.witness.start(), scene.witness.end());
    let first = format!("{start}\necho \"Hello, {{{{ params.name }}}}, from {{{{ agent.name }}}}\"\necho mind >&2\n{end}");
    let second = format!("{start}\necho \"before me: \"{{{{ steps.greet.stdout }}}}\n{end}\nexit 3");
    let greet = step("greet", &["a1"], &first);
    let fail = crate::harness::with(step("fail", &["a1"], &second), json!({ "successExitCodes": [3] }));
    scene.write_workflow("hello", &json!({ "params": [{ "name": "name", "default": "world" }], "steps": [greet, fail] }));
    scene.set_up(&["a1"], 5);
    let api = scene.controller.api();
    let id = api.start(&json!({ "workflow": "hello", "params": { "name": "Ada" } }));
    let execution = api.wait_ended(&id);
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    assert_eq!(execution["number"], 1);
    let ran = attempts(&execution);
    let ends: Vec<_> = ran.iter().map(|attempt| (attempt.step.as_str(), attempt.exited())).collect();
    assert_eq!(ends, [("greet", Some(0)), ("fail", Some(3))]);
    assert_eq!(api.whole_output(&id, &ran[0], "stdout"), "Hello, Ada, from a1\n");
    assert_eq!(api.whole_output(&id, &ran[0], "stderr"), "mind\n");
    assert_eq!(api.whole_output(&id, &ran[1], "stdout"), "before me: Hello, Ada, from a1\n", "without the line break at its end");
    let by_number = api.execution("hello%231");
    assert_eq!(by_number["id"], execution["id"]);
    assert_eq!(api.get(&format!("/api/v1/executions/{id}/events"))["items"][0]["seq"], 1);
    scene.judge();
}

fn one_request_starts_one_execution_however_often_it_comes(engine: Engine) {
    let mut scene = Scene::on(engine, "happy: one request, one execution");
    let command = format!("{}; {}; {}", scene.witness.start(), scene.until_go(), scene.witness.end());
    scene.write_workflow("once", &json!({ "steps": [step("only", &["a1"], &command)] }));
    scene.set_up(&["a1"], 5);
    let api = scene.controller.api();
    let body = json!({ "workflow": "once" });
    let ask = |key: &str| api.try_post("/api/v1/executions", &body, &[("Idempotency-Key", key)]).expect("an answer");
    let (_, first) = ask("key-1");
    let id = first["id"].as_str().expect("an id").to_owned();
    assert_eq!(ask("key-1").1["id"], first["id"]);
    let (status, refusal) = ask("key-2");
    assert_eq!(status, 409, "one at a time is the default: {refusal}");
    assert!(refusal.to_string().contains("once#1"), "the refusal names the running one: {refusal}");
    scene.go();
    assert_eq!(api.wait_ended(&id)["status"], "succeeded");
    assert_eq!(ask("key-1").1["id"], first["id"], "also when it is over");
    assert_eq!(api.executions().len(), 1);
    scene.judge();
}
