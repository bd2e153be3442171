//! Somebody is there and says nothing, or has forgotten what it knew: nothing is guessed.

use crate::harness::{Scene, attempts, step, wait, within};
use serde_json::json;
use std::time::Duration;

fn running(name: &str) -> (Scene, String) {
    let mut scene = Scene::new(name);
    let command = format!("{}; {}; echo done; {}", scene.witness.start(), scene.until_go(), scene.witness.end());
    scene.write_workflow("w", &json!({ "steps": [step("only", &["a1"], &command)] }));
    scene.set_up(&["a1"], 5);
    let id = scene.start("w");
    scene.wait_witnessed(1);
    (scene, id)
}

#[test]
fn a_frozen_agent_is_offline_and_its_command_goes_on() {
    let (scene, id) = running("partition: a frozen agent");
    let api = scene.controller.api();
    scene.agents[0].signal("STOP");
    within(Duration::from_secs(60), "the agent to be offline", || (api.agent_state("a1") == "offline").then_some(()));
    let execution = api.execution(&id);
    assert_eq!(execution["status"], "running", "missing observation is no failure: {execution:#}");
    scene.go();
    scene.agents[0].signal("CONT");
    let execution = api.wait_ended(&id);
    assert_eq!((execution["status"].as_str(), attempts(&execution).len()), (Some("succeeded"), 1), "{execution:#}");
    scene.judge();
}

#[test]
fn a_frozen_controller_loses_nothing() {
    let (scene, id) = running("partition: a frozen controller");
    scene.controller.signal("STOP");
    scene.go();
    wait("the command to end", || scene.agents[0].shims().is_empty().then_some(()));
    scene.controller.signal("CONT");
    let api = scene.controller.api();
    let execution = api.wait_ended(&id);
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    assert_eq!(api.whole_output(&id, &attempts(&execution)[0], "stdout"), "done\n");
    scene.judge();
}

#[test]
fn a_lost_journal_makes_its_attempts_unknown() {
    let (mut scene, id) = running("partition: a lost journal");
    scene.agents[0].kill();
    scene.agents[0].bury();
    std::fs::remove_file(scene.agents[0].data().join("journal")).unwrap();
    scene.agents[0].start(&[]);
    let api = scene.controller.api();
    let execution = api.wait_status(&id, "waiting");
    let states: Vec<String> = attempts(&execution).into_iter().map(|attempt| attempt.state).collect();
    assert_eq!(states, ["unknown"], "{execution:#}");
    assert_eq!(scene.started(), 1, "and nothing is started again");
    scene.go();
    api.resolve(&id, &attempts(&execution)[0].id, "failed");
    assert_eq!(api.wait_ended(&id)["status"], "failed");
    scene.judge();
}

#[test]
fn a_journal_from_yesterday_is_quarantined() {
    let (mut scene, id) = running("partition: an old journal");
    let journal = scene.agents[0].data().join("journal");
    let old = std::fs::read(&journal).unwrap();
    scene.go();
    let api = scene.controller.api().clone();
    assert_eq!(api.wait_ended(&id)["status"], "succeeded");
    let again = scene.run("w");
    assert_eq!(again["status"], "succeeded");
    // The sequence that the controller has heard is written down with the next heartbeat at the latest.
    let executions = api.executions();
    wait("the journal to go on", || (std::fs::read(&journal).unwrap() != old).then_some(()));
    scene.agents[0].kill();
    scene.agents[0].bury();
    std::fs::write(&journal, &old).unwrap();
    scene.agents[0].start(&[]);
    wait("the agent to be quarantined", || (api.agent_state("a1") == "quarantined").then_some(()));
    assert_eq!(api.executions().len(), executions.len());
    scene.judge();
}
