//! A command that takes its host down (`expectDisconnect`): it has succeeded once the agent is back with another boot id.

use crate::harness::{Engine, Scene, attempts, on_both, step, with};
use serde_json::{Value, json};

on_both! {
    a_host_that_comes_back_with_another_boot_has_rebooted
    a_command_that_ends_before_its_host_goes_down_waits_for_the_next_boot
    a_host_that_never_comes_back_fails_after_the_timeout
}

/// A reboot, and a step after it.
fn reboot(scene: &mut Scene, command: &str, timeout: &str) -> String {
    let reboot = with(step("reboot", &["a1"], command), json!({ "expectDisconnect": true, "timeout": timeout }));
    let after = step("after", &["a1"], &scene.signed("true"));
    scene.write_workflow("w", &json!({ "steps": [reboot, after] }));
    scene.set_up(&["a1"], 5);
    let id = scene.start("w");
    scene.wait_witnessed(1);
    id
}

/// What a host that goes down does: everything ends at once, and nobody can say anything.
fn go_down(scene: &mut Scene) {
    let agent = &mut scene.agents[0];
    agent.kill();
    let shims = agent.kill_shims();
    agent.bury();
    agent.bury_shims(&shims);
}

/// What a test-only setting of the agent says is the host's boot.
fn another_boot() -> (String, String) {
    ("PULSE_TEST_BOOT_ID".to_owned(), uuid::Uuid::new_v4().to_string())
}

/// The target's state and reason.
fn target(execution: &Value) -> Value {
    execution["steps"][0]["targets"][0].clone()
}

fn assert_rebooted(scene: &Scene, id: &str) {
    let execution = scene.api().wait_ended(id);
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    assert_eq!(target(&execution)["status"], "succeeded", "{execution:#}");
    let runs: Vec<_> = scene.runs().into_iter().map(|((step, _), times)| (step, times)).collect();
    assert_eq!(runs, [("after".to_owned(), 1), ("reboot".to_owned(), 1)], "the reboot is not run again");
}

fn a_host_that_comes_back_with_another_boot_has_rebooted(engine: Engine) {
    let mut scene = Scene::on(engine, "reboots: taken down while it runs");
    let command = scene.held("never");
    let id = reboot(&mut scene, &command, "1m");
    go_down(&mut scene);
    // Whoever waits for the host may go away, too.
    scene.controller.crash(&[]);
    scene.agents[0].start(&[another_boot()]);
    assert_rebooted(&scene, &id);
    // The attempt itself stays what is known of it.
    let all = attempts(&scene.api().execution(&id));
    assert_eq!(all[0].state, "unknown", "{all:#?}");
}

fn a_command_that_ends_before_its_host_goes_down_waits_for_the_next_boot(engine: Engine) {
    let mut scene = Scene::on(engine, "reboots: exit 0, then down");
    let command = scene.signed("true");
    let id = reboot(&mut scene, &command, "1m");
    let why = scene.api().wait_why(&id, "rebooting");
    assert_eq!((&why["target"], &why["step"]), (&json!("a1"), &json!("reboot")), "{why:#}");
    assert_eq!(target(&scene.api().execution(&id))["nextTryAt"], why["until"]);
    // An agent that only starts again is no reboot.
    scene.agents[0].terminate();
    scene.agents[0].start(&[]);
    scene.api().wait_online("a1");
    scene.api().wait_why(&id, "rebooting");
    assert_eq!(scene.started(), 1, "the next step waits");
    go_down(&mut scene);
    scene.controller.crash(&[]);
    scene.api().wait_why(&id, "rebooting");
    scene.agents[0].start(&[another_boot()]);
    assert_rebooted(&scene, &id);
    scene.judge();
}

fn a_host_that_never_comes_back_fails_after_the_timeout(engine: Engine) {
    let mut scene = Scene::on(engine, "reboots: never back");
    let command = scene.signed("true");
    let id = reboot(&mut scene, &command, "5s");
    let why = scene.api().wait_why(&id, "rebooting");
    go_down(&mut scene);
    let execution = scene.api().wait_ended(&id);
    let said = target(&execution);
    assert_eq!((&execution["status"], &said["status"]), (&json!("failed"), &json!("failed")), "{execution:#}");
    assert!(said["reason"].as_str().unwrap().contains("did not come back with a new boot id within 5s"), "{said:#}");
    let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(time(&execution["endedAt"]) >= time(&why["until"]), "not before its time: {execution:#}");
    assert_eq!(scene.started(), 1, "nothing further starts");
}
