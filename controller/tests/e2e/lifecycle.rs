//! Agents that come and go: hosts that are installed anew, hosts that are to be worked on, keys that are exchanged.

use crate::harness::{Agent, Engine, Scene, agent_program, attempts, on_both, pulse, step, wait, with};
use serde_json::json;
use std::process::{Child, Command, Output, Stdio};

on_both! {
    a_host_that_was_installed_anew_knows_nothing_of_what_ran_and_nothing_runs_again
    a_drained_agent_lets_end_what_runs_and_starts_nothing
}

fn cli(scene: &Scene, arguments: &[&str]) -> Command {
    let api = scene.controller.api();
    let mut command = Command::new(pulse());
    command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", scene.root());
    command.env("PULSE_SERVER", api.address()).env("PULSE_TOKEN", api.admin_token());
    command
}

/// What a command says, once it has succeeded.
fn said(scene: &Scene, arguments: &[&str]) -> String {
    let output = cli(scene, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn a_host_that_was_installed_anew_knows_nothing_of_what_ran_and_nothing_runs_again(engine: Engine) {
    let mut scene = Scene::on(engine, "lifecycle: a host is installed anew");
    let steps = [with(step("held", &["a1"], &scene.held("go")), json!({ "onUnknown": "wait" }))];
    scene.write_workflow("work", &json!({ "concurrency": { "policy": "Allow" }, "steps": steps }));
    scene.set_up(&["a1"], 2);
    let open = scene.start("work");
    scene.wait_witnessed(1);
    // The disk and everything that ran are gone, the key with it.
    let old = scene.agents[0].data().to_owned();
    scene.agents[0].kill();
    let shims = scene.agents[0].kill_shims();
    scene.agents[0].bury();
    scene.agents[0].bury_shims(&shims);
    let kept = old.with_extension("backup");
    std::fs::rename(&old, &kept).unwrap();

    let thief = scene.api().token();
    let mut thief = Agent::new(scene.root(), scene.api().address(), "a1", &thief, 2);
    thief.start(&[]);
    wait("a foreign token to be refused", || thief.log().contains("name_taken").then_some(()));
    thief.terminate();
    std::fs::remove_dir_all(&old).unwrap();

    let line = said(&scene, &["agents", "replace", "a1"]);
    let token = line.split_whitespace().find_map(|word| word.strip_prefix("PULSE_AGENT_TOKEN=")).expect(&line);
    assert!(line.contains("PULSE_AGENT_NAME=a1"), "{line}");
    scene.agents[0] = Agent::new(scene.root(), scene.api().address(), "a1", token, 2);
    scene.agents[0].start(&[]);
    scene.api().wait_online("a1");
    let execution = scene.api().wait_status(&open, "waiting");
    assert_eq!(execution["waits"]["for"], "unknown", "{execution:#}");
    assert_eq!(attempts(&execution)[0].state, "unknown");
    scene.go();
    assert_eq!(scene.run("work")["status"], "succeeded", "the new host works");
    scene.controller.crash(&[]);
    scene.api().wait_online("a1");
    let execution = scene.api().execution(&open);
    assert_eq!((attempts(&execution).len(), scene.started()), (1, 2), "nobody ran it again");

    // Somebody plugs the old disk in again.
    std::fs::rename(&kept, scene.path("agents/ghost")).unwrap();
    let mut ghost = Agent::new(scene.root(), scene.api().address(), "ghost", "", 2);
    ghost.start(&[("PULSE_AGENT_NAME".to_owned(), "a1".to_owned())]);
    wait("the old key to be refused", || ghost.log().contains("unknown_agent").then_some(()));
    assert_eq!(scene.api().agent_state("a1"), "online");
    scene.agents.push(ghost);
    scene.api().resolve(&open, &attempts(&execution)[0].id, "failed");
    scene.api().wait_ended(&open);
    scene.judge();
}

/// What a running agent's `rotate-key` says.
fn rotate(agent: &Agent) -> Output {
    let mut command = Command::new(agent_program());
    command.arg("rotate-key").env_clear().env("PULSE_AGENT_DATA_DIR", agent.data()).output().unwrap()
}

#[test]
fn a_key_is_exchanged_while_commands_run_and_the_old_one_is_refused() {
    let mut scene = Scene::new("lifecycle: a key is exchanged");
    scene.write_workflow("work", &json!({ "steps": [step("held", &["a1"], &scene.held("go"))] }));
    scene.set_up(&["a1"], 2);
    let running = scene.start("work");
    scene.wait_witnessed(1);
    let key = scene.agents[0].data().join("identity.key");
    let old = std::fs::read(&key).unwrap();
    let rotated = rotate(&scene.agents[0]);
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    let new = std::fs::read(&key).unwrap();
    assert!(old != new && !scene.agents[0].data().join("identity.next").exists());
    scene.api().wait_online("a1");
    scene.go();
    assert_eq!(scene.api().wait_ended(&running)["status"], "succeeded", "the command did not notice");
    assert!(scene.controller.log().contains("its key was exchanged"));

    // The welcome got lost: the controller knows the new key, the agent has both.
    scene.agents[0].terminate();
    std::fs::write(&key, &old).unwrap();
    std::fs::write(scene.agents[0].data().join("identity.next"), &new).unwrap();
    scene.agents[0].start(&[]);
    wait("the agent to come with both keys", || (std::fs::read(&key).unwrap() == new).then_some(()));
    scene.api().wait_online("a1");

    scene.agents[0].terminate();
    std::fs::write(&key, &old).unwrap();
    scene.agents[0].start(&[]);
    wait("the old key to be refused", || scene.agents[0].log().contains("unknown_agent").then_some(()));
    scene.agents[0].terminate();
    std::fs::write(&key, &new).unwrap();
    scene.agents[0].start(&[]);
    scene.api().wait_online("a1");
    scene.judge();
}

fn drain(scene: &Scene) -> Child {
    cli(scene, &["agents", "drain", "a1", "--reason", "new disks"]).stderr(Stdio::piped()).spawn().unwrap()
}

fn a_drained_agent_lets_end_what_runs_and_starts_nothing(engine: Engine) {
    let mut scene = Scene::on(engine, "lifecycle: an agent is drained");
    let steps = [step("held", &["a1"], &scene.held("go"))];
    scene.write_workflow("work", &json!({ "concurrency": { "policy": "Allow" }, "steps": steps }));
    let both = [step("both", &["a1", "a2"], &scene.signed("true"))];
    scene.write_workflow("both", &json!({ "concurrency": { "policy": "Allow" }, "steps": both }));
    scene.set_up(&["a1", "a2"], 2);
    let running = scene.start("work");
    scene.wait_witnessed(1);
    let mut draining = drain(&scene);
    let agent =
        wait("the agent to be cordoned", || scene.api().agent("a1").filter(|agent| agent["status"]["cordon"].is_object()));
    assert_eq!((&agent["status"]["cordon"]["drained"], &agent["status"]["state"]), (&json!(false), &json!("online")));
    let waits = scene.start("both");
    let why = scene.api().wait_why(&waits, "paused");
    assert_eq!((&why["scope"], &why["reason"]), (&json!("agent/a1"), &json!("new disks")), "{why:#}");
    assert!(said(&scene, &["get", "agents"]).contains("online,cordoned"));
    assert!(draining.try_wait().unwrap().is_none(), "it waits for what runs");

    scene.controller.crash(&[]);
    scene.api().wait_online("a1");
    scene.go();
    assert_eq!(scene.api().wait_ended(&running)["status"], "succeeded", "what runs may end");
    let done = draining.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success() && text.contains("agent a1 is drained"), "{text}");
    let described = said(&scene, &["describe", "agent", "a1"]);
    assert!(described.contains("new disks (drained)"), "{described}");
    assert_eq!(scene.runs().get(&("both".to_owned(), "a1".to_owned())), None, "nothing new began");

    said(&scene, &["agents", "uncordon", "a1"]);
    assert_eq!(scene.api().wait_ended(&waits)["status"], "succeeded");
    assert!(scene.api().agent("a1").unwrap()["status"]["cordon"].is_null());
    scene.judge();
}
