//! Cancel and timeout: nothing new starts, and where it is promised, nothing is left.

use crate::harness::{Attempt, Engine, Scene, attempts, on_both, processes_of_attempt, step, wait, with};
use serde_json::{Value, json};

on_both! {
    cancel_kill_leaves_no_process_of_the_attempt
    cancel_kill_reaches_a_command_through_restarts_of_both
    a_cancel_does_not_know_what_nobody_knows
    cancel_drain_lets_what_runs_end_and_starts_nothing_new
    a_timeout_ends_the_whole_tree
}

/// A command that starts a tree which does what it can to survive: own sessions, lost parents, deaf to TERM.
fn stubborn(scene: &Scene) -> String {
    format!(
        "{}
        trap '' TERM
        setsid sh -c 'trap \"\" TERM; while :; do sleep 0.1; done' &
        (setsid sh -c '(trap \"\" TERM; while :; do sleep 0.1; done) & exit' &) &
        sh -c 'exec sleep 1000' &
        while :; do sleep 0.1; done",
        scene.witness.start()
    )
}

/// A running tree of which every part is there.
fn tree(engine: Engine, name: &str, further: &Value) -> (Scene, String) {
    let mut scene = Scene::on(engine, name);
    let grow = with(step("grow", &["a1"], &stubborn(&scene)), further.clone());
    scene.write_workflow("tree", &json!({ "steps": [grow, step("never", &["a1"], &scene.witness.start())] }));
    scene.set_up(&["a1"], 5);
    let id = scene.start("tree");
    scene.wait_witnessed(1);
    (scene, id)
}

fn only(execution: &Value) -> Attempt {
    let all = attempts(execution);
    assert_eq!(all.len(), 1, "no further step starts: {execution:#}");
    all[0].clone()
}

fn assert_nothing_left(attempt: &Attempt) {
    let left = processes_of_attempt(&attempt.id);
    assert!(left.is_empty(), "processes {left:?} of {attempt:?} are left");
}

fn cancel_kill_leaves_no_process_of_the_attempt(engine: Engine) {
    let (scene, id) = tree(engine, "cancel: kill a tree", &json!({ "killGrace": "300ms" }));
    let api = scene.controller.api();
    let running = only(&api.execution(&id));
    wait("the tree to grow", || (processes_of_attempt(&running.id).len() >= 5).then_some(()));
    api.cancel(&id, "kill");
    let execution = api.wait_ended(&id);
    assert_eq!(execution["status"], "cancelled", "{execution:#}");
    let attempt = only(&execution);
    assert_eq!(attempt.state, "cancelled");
    assert_nothing_left(&attempt);
    scene.judge();
}

fn cancel_kill_reaches_a_command_through_restarts_of_both(engine: Engine) {
    let (mut scene, id) = tree(engine, "cancel: kill through restarts", &json!({ "killGrace": "300ms" }));
    scene.agents[0].kill();
    scene.agents[0].bury();
    scene.controller.api().cancel(&id, "kill");
    scene.controller.kill();
    scene.controller.bury();
    scene.controller.start(&[]);
    let execution = scene.controller.api().execution(&id);
    assert_eq!(execution["status"], "running", "the agent is away, so nothing is confirmed yet: {execution:#}");
    scene.agents[0].start(&[]);
    let execution = scene.controller.api().wait_ended(&id);
    assert_eq!((execution["status"].as_str(), only(&execution).state.as_str()), (Some("cancelled"), "cancelled"));
    assert_nothing_left(&only(&execution));
}

fn a_cancel_does_not_know_what_nobody_knows(engine: Engine) {
    let mut scene = Scene::on(engine, "cancel: an unknown stays unknown");
    let command = format!("{}; {}", scene.witness.start(), scene.until_go());
    scene.write_workflow("w", &json!({ "steps": [step("only", &["a1"], &command)] }));
    scene.set_up(&["a1"], 5);
    let api = scene.controller.api();
    let id = scene.start("w");
    scene.wait_witnessed(1);
    scene.agents[0].kill_shims();
    api.wait_status(&id, "waiting");
    api.cancel(&id, "kill");
    let execution = api.wait_ended(&id);
    assert_eq!((execution["status"].as_str(), only(&execution).state.as_str()), (Some("cancelled"), "unknown"), "{execution:#}");
    scene.judge();
}

fn cancel_drain_lets_what_runs_end_and_starts_nothing_new(engine: Engine) {
    let mut scene = Scene::on(engine, "cancel: drain");
    let command = format!("{}; {}; echo to the end; {}", scene.witness.start(), scene.until_go(), scene.witness.end());
    let steps = [step("first", &["a1"], &command), step("second", &["a1"], &command)];
    scene.write_workflow("drain", &json!({ "steps": steps }));
    scene.set_up(&["a1"], 5);
    let api = scene.controller.api();
    let id = scene.start("drain");
    scene.wait_witnessed(1);
    api.cancel(&id, "drain");
    let why = api.get(&format!("/api/v1/executions/{id}/why")).to_string();
    assert!(why.contains("cancelling"), "{why}");
    scene.go();
    let execution = api.wait_ended(&id);
    assert_eq!(execution["status"], "cancelled");
    let attempt = only(&execution);
    assert_eq!(attempt.exited(), Some(0));
    assert_eq!(api.whole_output(&id, &attempt, "stdout"), "to the end\n");
    let (status, again) = api
        .try_post(&format!("/api/v1/executions/{id}/cancel"), &json!({ "reason": "once more", "mode": "kill" }), &[])
        .expect("an answer");
    assert!((400..500).contains(&status) || again["status"] == "cancelled", "terminal states are final: {status} {again}");
    scene.judge();
}

fn a_timeout_ends_the_whole_tree(engine: Engine) {
    let (scene, id) = tree(engine, "cancel: timeout of a tree", &json!({ "timeout": "2s", "killGrace": "300ms" }));
    let execution = scene.controller.api().wait_ended(&id);
    assert_eq!(execution["status"], "failed", "{execution:#}");
    let attempt = only(&execution);
    assert_eq!(attempt.state, "timed_out");
    let duration = attempt.all["durationMs"].as_i64().expect("a duration");
    assert!((2_000..15_000).contains(&duration), "{duration} ms");
    assert_nothing_left(&attempt);
    scene.judge();
}
