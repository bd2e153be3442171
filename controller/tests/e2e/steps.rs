//! Slots, `maxParallel`, `maxFailures`, retries, conditions: by what really ran side by side and one after the other.

use crate::harness::{Engine, Scene, attempts, on_both, step, with};
use serde_json::json;

on_both! {
    one_slot_lets_five_executions_through_one_by_one
    max_parallel_and_max_failures_bound_a_rollout
    retry_repeats_what_failed_and_only_that
    conditions_follow_what_really_happened
}

/// Most commands that were seen between their start and their end.
fn most_at_once(scene: &Scene) -> i32 {
    let (mut now, mut most) = (0, 0);
    for [_, _, _, what] in scene.witness.lines() {
        now += if what == "start" { 1 } else { -1 };
        most = most.max(now);
    }
    assert_eq!(now, 0, "everything that started has ended");
    most
}

fn signed(scene: &Scene, work: &str) -> String {
    format!("{}\n{work}\n{}", scene.witness.start(), scene.witness.end())
}

fn one_slot_lets_five_executions_through_one_by_one(engine: Engine) {
    let mut scene = Scene::on(engine, "steps: one slot, five executions");
    let command = signed(&scene, "sleep 0.2");
    scene.write_workflow("five", &json!({ "concurrency": { "policy": "Allow" }, "steps": [step("only", &["a1"], &command)] }));
    scene.set_up(&["a1"], 1);
    let api = scene.controller.api();
    let ids: Vec<String> = (0..5).map(|_| scene.start("five")).collect();
    let last = ids.last().unwrap();
    let why = api.get(&format!("/api/v1/executions/{last}/why")).to_string();
    assert!(why.contains("slots_full"), "the last one says what it waits for: {why}");
    assert_eq!(api.execution(last)["status"], "running", "full slots are no waiting for a person");
    for id in &ids {
        let execution = api.wait_ended(id);
        assert_eq!((execution["status"].as_str(), attempts(&execution).len()), (Some("succeeded"), 1), "{execution:#}");
    }
    assert_eq!(most_at_once(&scene), 1);
    scene.judge();
}

fn max_parallel_and_max_failures_bound_a_rollout(engine: Engine) {
    let mut scene = Scene::on(engine, "steps: maxParallel, maxFailures");
    let names = ["a1", "a2", "a3", "a4", "a5"];
    let wide = with(step("wide", &["all"], &signed(&scene, "sleep 0.4")), json!({ "maxParallel": 2 }));
    let failing = format!("{}\nexit 1", scene.witness.start());
    let careful = with(step("careful", &["all"], &failing), json!({ "maxParallel": 1, "maxFailures": 1 }));
    scene.write_workflow("wide", &json!({ "steps": [wide] }));
    scene.write_workflow("careful", &json!({ "steps": [careful] }));
    scene.set_up(&names, 5);
    let execution = scene.run("wide");
    assert_eq!((execution["status"].as_str(), attempts(&execution).len()), (Some("succeeded"), 5), "{execution:#}");
    assert_eq!(most_at_once(&scene), 2);
    let execution = scene.run("careful");
    assert_eq!(execution["status"], "failed");
    let tried: Vec<String> = attempts(&execution).into_iter().map(|attempt| attempt.agent).collect();
    assert_eq!(tried, ["a1", "a2"], "the second failure is one too many: {execution:#}");
    scene.judge();
}

fn retry_repeats_what_failed_and_only_that(engine: Engine) {
    let mut scene = Scene::on(engine, "steps: retry");
    let tries = scene.path("tries").display().to_string();
    let work = format!("echo x >> '{tries}'\n[ $(wc -l < '{tries}') -ge 3 ] || exit 9\n{}", scene.witness.end());
    let command =
        format!("{}\n[ \"$PULSE_AGENT\" = a2 ] && {{ {}; exit 0; }}\n{work}", scene.witness.start(), scene.witness.end());
    let flaky = with(step("flaky", &["a1", "a2"], &command), json!({ "retry": { "attempts": 3, "backoff": "100ms" } }));
    scene.write_workflow("flaky", &json!({ "steps": [flaky] }));
    scene.set_up(&["a1", "a2"], 5);
    let execution = scene.run("flaky");
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    let ends: Vec<_> = attempts(&execution).into_iter().map(|attempt| (attempt.agent.clone(), attempt.exited())).collect();
    let of = |agent: &str| ends.iter().filter(|(name, _)| name == agent).map(|(_, code)| *code).collect::<Vec<_>>();
    assert_eq!(of("a1"), [Some(9), Some(9), Some(0)]);
    assert_eq!(of("a2"), [Some(0)]);
    scene.judge();
}

fn conditions_follow_what_really_happened(engine: Engine) {
    let mut scene = Scene::on(engine, "steps: when, continueOnError");
    let look = with(step("look", &["a1"], "exit 4"), json!({ "continueOnError": true }));
    let taken = with(step("taken", &["a1"], "echo yes"), json!({ "when": "steps.look.exitCode == 4" }));
    let passed = with(step("passed", &["a1"], &scene.witness.start()), json!({ "when": "steps.look.status == \"succeeded\"" }));
    scene.write_workflow("when", &json!({ "steps": [look, taken, passed] }));
    scene.set_up(&["a1"], 5);
    let execution = scene.run("when");
    let states: Vec<_> = execution["steps"].as_array().unwrap().iter().map(|step| step["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["failed", "succeeded", "skipped"], "{execution:#}");
    assert_eq!(execution["status"], "succeeded");
    assert_eq!(scene.started(), 0);
}
