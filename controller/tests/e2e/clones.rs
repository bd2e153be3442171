//! Agents that are not what they seem: copied data folders, used tokens, wrong names.

use crate::harness::{Agent, Scene, step, wait};
use serde_json::json;
use std::process::Command;

fn scene(name: &str) -> Scene {
    let mut scene = Scene::new(name);
    let command = format!("{}; {}", scene.witness.start(), scene.witness.end());
    scene.write_workflow("w", &json!({ "steps": [step("only", &["a1"], &command)] }));
    scene.set_up(&["a1"], 5);
    scene
}

#[test]
fn of_two_agents_with_one_identity_the_second_is_refused_while_the_first_answers() {
    let mut scene = scene("clones: a copied data folder");
    let (root, server) = (scene.path("clone"), scene.controller.api().address().to_owned());
    let mut clone = Agent::new(&root, &server, "a1", "", 5);
    std::fs::create_dir_all(root.join("agents")).unwrap();
    let copied = Command::new("cp").arg("-a").arg(scene.agents[0].data()).arg(clone.data()).status().unwrap();
    assert!(copied.success());
    clone.start(&[]);
    wait("the clone to be refused", || clone.log().contains("duplicate_session").then_some(()));
    assert_eq!(scene.run("w")["status"], "succeeded", "the first works on");
    assert_eq!(scene.controller.api().agent_state("a1"), "online");
    scene.agents.push(clone);
    scene.judge();
}

#[test]
fn a_token_enrols_as_often_as_it_says() {
    let mut scene = scene("clones: a used token");
    let (server, root) = (scene.controller.api().address().to_owned(), scene.root().to_owned());
    let token = scene.controller.api().token();
    let mut first = Agent::new(&root, &server, "b1", &token, 5);
    first.start(&[]);
    scene.controller.api().wait_online("b1");
    let mut second = Agent::new(&root, &server, "b2", &token, 5);
    second.start(&[]);
    wait("the second to be refused", || second.log().contains("refuses this agent").then_some(()));
    assert!(scene.controller.api().agent("b2").is_none());
    scene.agents.extend([first, second]);
}

#[test]
fn a_revoked_agent_is_out_and_stays_out() {
    let mut scene = scene("clones: a revoked agent");
    let api = scene.controller.api().clone();
    let url = format!("{}/api/v1/agents/a1", api.address());
    let answer = ureq::delete(&url).header("Authorization", format!("Bearer {}", api.admin_token())).call().unwrap();
    assert_eq!(answer.status().as_u16(), 204);
    assert_eq!(api.agent_state("a1"), "revoked");
    scene.agents[0].terminate();
    scene.agents[0].start(&[]);
    wait("the agent to be refused", || scene.agents[0].log().contains("(revoked)").then_some(()));
    assert_eq!(api.agent_state("a1"), "revoked");
}
