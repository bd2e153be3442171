//! Processes come and go while commands run and write: nothing is lost, nothing starts twice.

use crate::harness::{Agent, Engine, Scene, attempts, on_both, step, wait, with};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

on_both! {
    agent_and_controller_killed_while_a_command_writes_lose_no_byte
    a_command_ends_while_agent_and_controller_are_dead
    an_agent_that_is_restarted_takes_its_command_over
    a_controller_that_is_restarted_under_load_finishes_everything
    an_idempotent_step_is_repeated_after_an_unknown
    on_unknown_fail_ends_the_execution
}

/// A command that writes 2 MB over some seconds, keeps a copy outside of PULSE, and exits with 7.
fn writer(scene: &Scene) -> String {
    let copy = scene.path("copy").display().to_string();
    let body = "i=0; while [ $i -lt 50 ]; do seq $((i * 100000)) $((i * 100000 + 5500)); i=$((i + 1)); sleep 0.08; done";
    format!("{}\n{{ {body}; }} | tee '{copy}'\n{}\nexit 7", scene.witness.start(), scene.witness.end())
}

/// Size and digest of what was stored are those of the copy, and of what the attempt says.
fn check_writer(scene: &Scene, id: &str) {
    let api = scene.controller.api();
    let execution = api.wait_ended(id);
    let all = attempts(&execution);
    assert_eq!(all.iter().map(|attempt| attempt.exited()).collect::<Vec<_>>(), [Some(7)], "{execution:#}");
    let (stored, copy) = (api.whole_output(id, &all[0], "stdout"), std::fs::read(scene.path("copy")).unwrap());
    assert!(copy.len() > 2_000_000, "{} bytes", copy.len());
    assert_eq!(stored.len(), copy.len());
    assert_eq!(digest(stored.as_bytes()), digest(&copy));
    assert_eq!(all[0].all["stdout"]["sha256"], digest(&copy), "the exact digest of everything written");
    scene.judge();
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn writing(engine: Engine, name: &str) -> (Scene, String) {
    let mut scene = Scene::on(engine, name);
    scene.write_workflow("writer", &json!({ "steps": [step("write", &["a1"], &writer(&scene))] }));
    scene.set_up(&["a1"], 5);
    let id = scene.start("writer");
    wait_written(&scene, 300_000);
    (scene, id)
}

fn wait_written(scene: &Scene, bytes: u64) {
    wait("the command to write", || std::fs::metadata(scene.path("copy")).is_ok_and(|copy| copy.len() >= bytes).then_some(()));
}

fn agent_and_controller_killed_while_a_command_writes_lose_no_byte(engine: Engine) {
    let (mut scene, id) = writing(engine, "restarts: C and A killed, 2 MB");
    for written in [300_000, 900_000] {
        wait_written(&scene, written);
        scene.controller.kill();
        scene.agents[0].kill();
        scene.controller.bury();
        scene.agents[0].bury();
        // It goes on while both are dead.
        wait_written(&scene, written + 200_000);
        scene.agents[0].start(&[]);
        scene.controller.start(&[]);
    }
    check_writer(&scene, &id);
}

fn a_command_ends_while_agent_and_controller_are_dead(engine: Engine) {
    let (mut scene, id) = writing(engine, "restarts: the command ends meanwhile");
    scene.controller.kill();
    scene.agents[0].kill();
    scene.controller.bury();
    scene.agents[0].bury();
    wait("the shim to end", || scene.agents[0].shims().is_empty().then_some(()));
    scene.controller.start(&[]);
    scene.agents[0].start(&[]);
    check_writer(&scene, &id);
}

fn an_agent_that_is_restarted_takes_its_command_over(engine: Engine) {
    let (mut scene, id) = writing(engine, "restarts: agent by SIGTERM");
    let shims = scene.agents[0].shims();
    assert_eq!(shims.len(), 1);
    for _ in 0..3 {
        scene.agents[0].terminate();
        assert_eq!(scene.agents[0].shims(), shims, "the command runs on");
        scene.agents[0].start(&[]);
        scene.controller.api().wait_online("a1");
    }
    check_writer(&scene, &id);
}

fn a_controller_that_is_restarted_under_load_finishes_everything(engine: Engine) {
    const EXECUTIONS: usize = 20;
    let mut scene = Scene::on(engine, "restarts: controller, 20 executions");
    let command = format!("{}\nsleep 0.7\necho done\n{}", scene.witness.start(), scene.witness.end());
    let steps: Vec<Value> = ["one", "two", "three"].map(|id| step(id, &["all"], &command)).into();
    scene.write_workflow("load", &json!({ "concurrency": { "policy": "Allow" }, "steps": steps }));
    scene.set_up(&["a1", "a2"], 6);
    let ids: Vec<String> = (0..EXECUTIONS).map(|_| scene.start("load")).collect();
    for by_force in [true, false, true] {
        let before = scene.started();
        wait("some progress", || (scene.started() > before + 8).then_some(()));
        if by_force {
            scene.controller.kill();
            scene.controller.bury();
        } else {
            scene.controller.terminate();
        }
        scene.controller.start(&[]);
    }
    for id in &ids {
        let execution = scene.controller.api().wait_ended(id);
        assert_eq!(execution["status"], "succeeded", "{execution:#}");
        assert_eq!(attempts(&execution).len(), 3 * 2, "one attempt for each step and target: {execution:#}");
    }
    scene.judge();
}

fn an_idempotent_step_is_repeated_after_an_unknown(engine: Engine) {
    let mut scene = Scene::on(engine, "restarts: idempotent after unknown");
    let command = format!("{}\n{}\n{}", scene.witness.start(), scene.until_go(), scene.witness.end());
    let repeatable = with(step("again", &["a1"], &command), json!({ "idempotent": true }));
    scene.write_workflow("again", &json!({ "steps": [repeatable] }));
    scene.set_up(&["a1"], 5);
    let id = scene.start("again");
    scene.wait_witnessed(1);
    let agent: &Agent = &scene.agents[0];
    let shims = agent.kill_shims();
    agent.bury_shims(&shims);
    scene.wait_witnessed(2);
    scene.go();
    let execution = scene.controller.api().wait_ended(&id);
    let states: Vec<String> = attempts(&execution).into_iter().map(|attempt| attempt.state).collect();
    assert_eq!((execution["status"].as_str(), states.last().map(String::as_str)), (Some("succeeded"), Some("exited")));
    assert_eq!(states[0], "unknown", "the first stays what it is: {execution:#}");
    scene.judge();
}

fn on_unknown_fail_ends_the_execution(engine: Engine) {
    let mut scene = Scene::on(engine, "restarts: onUnknown fail");
    let command = format!("{}\n{}\n{}", scene.witness.start(), scene.until_go(), scene.witness.end());
    let strict = with(step("strict", &["a1"], &command), json!({ "onUnknown": "fail" }));
    scene.write_workflow("strict", &json!({ "steps": [strict, step("never", &["a1"], &scene.witness.start())] }));
    scene.set_up(&["a1"], 5);
    let id = scene.start("strict");
    scene.wait_witnessed(1);
    scene.agents[0].kill_shims();
    let execution = scene.controller.api().wait_ended(&id);
    assert_eq!(execution["status"], "failed");
    let all = attempts(&execution);
    assert_eq!(all.iter().map(|attempt| attempt.state.as_str()).collect::<Vec<_>>(), ["unknown"], "{execution:#}");
    scene.judge();
}
