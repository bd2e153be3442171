//! Random kills of one controller on SQLite and its agents: whatever happens, the oracle holds.

use super::dice::Dice;
use crate::harness::{Scene, attempts, full, step, wait};
use serde_json::{Value, json};
use std::io::Write;
use std::time::{Duration, Instant};

/// How long processes are killed.
fn duration() -> Duration {
    Duration::from_secs(if full() { 60 } else { 6 })
}

#[test]
fn random_kills_start_nothing_twice_and_lose_nothing() {
    let (mut scene, mut dice) = (Scene::new("chaos: random kills"), Dice::new(super::seed(), 0));
    let (start, end) = (scene.witness.start(), scene.witness.end());
    let command = format!("{start}\necho \"one $PULSE_ATTEMPT\"\nsleep 0.$(($$ % 4))\necho \"two $PULSE_ATTEMPT\"\n{end}");
    let steps: Vec<Value> = ["one", "two", "three"].map(|id| step(id, &["all"], &command)).into();
    scene.write_workflow("chaos", &json!({ "concurrency": { "policy": "Allow" }, "steps": steps }));
    scene.set_up(&["a1", "a2"], 4);
    let begun = Instant::now();
    let mut keys = 0;
    while begun.elapsed() < duration() {
        for _ in 0..dice.below(3) {
            keys += 1;
            ask(&scene, keys);
        }
        dice.pause(1000);
        kill_somebody(&mut scene, &mut dice);
    }
    let ids: Vec<String> = (1..=keys).map(|key| wait("the request to be answered", || ask(&scene, key))).collect();
    for id in &ids {
        settle(&scene, id);
    }
    assert_eq!(
        scene.controller.api().get("/api/v1/executions?limit=1")["items"][0]["number"],
        keys,
        "one execution for each key"
    );
    scene.judge();
    drop(writeln!(std::io::stderr(), "e2e chaos: {} executions, {} commands", ids.len(), scene.started()));
}

/// Sends a request; sent again it starts nothing new.
fn ask(scene: &Scene, key: u64) -> Option<String> {
    let header = [("Idempotency-Key", &*format!("key-{key}"))];
    let (status, answer) = scene.controller.api().try_post("/api/v1/executions", &json!({ "workflow": "chaos" }), &header)?;
    assert!(!(300..500).contains(&status), "{status} {answer}");
    answer["id"].as_str().map(str::to_owned)
}

fn kill_somebody(scene: &mut Scene, dice: &mut Dice) {
    let (victims, agent, supervised) = (1 + dice.below(7), usize::from(dice.below(2) == 0), usize::from(dice.below(2) == 0));
    if victims & 1 != 0 {
        scene.controller.kill();
    }
    if victims & 2 != 0 {
        scene.agents[agent].kill();
    }
    if victims & 4 != 0 {
        scene.agents[supervised].kill_shims();
    }
    dice.pause(200);
    if victims & 2 != 0 {
        scene.agents[agent].bury();
        scene.agents[agent].start(&[]);
    }
    if victims & 1 != 0 {
        scene.controller.bury();
        scene.controller.start(&[]);
    }
}

/// Brings an execution to its end as a person would who finds that every unknown command did its work, and holds what is stored
/// of each known end against what the command wrote.
fn settle(scene: &Scene, id: &str) {
    let api = scene.controller.api();
    let execution = wait(&format!("execution {id} to end"), || {
        let execution = api.execution(id);
        let unknown = attempts(&execution).into_iter().filter(|attempt| attempt.state == "unknown");
        unknown.for_each(|attempt| api.resolve(id, &attempt.id, "succeeded"));
        ["succeeded", "failed", "cancelled"].iter().any(|word| execution["status"] == *word).then_some(execution)
    });
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    for attempt in attempts(&execution).iter().filter(|attempt| attempt.exited() == Some(0)) {
        let expected = format!("one {0}\ntwo {0}\n", attempt.id);
        assert_eq!(api.whole_output(id, attempt, "stdout"), expected);
    }
}
