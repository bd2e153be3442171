//! Executions that wait their turn: in the order in which they were accepted, bounded, by key, and through a controller that is
//! killed.

use crate::harness::{Engine, Scene, on_both, step, with};
use serde_json::{Value, json};

on_both! {
    turns_come_in_the_order_of_acceptance_also_after_a_kill
    keys_run_side_by_side
}

/// What a start says: status and body.
fn ask(scene: &Scene, workflow: &str, params: &Value) -> (u16, Value) {
    scene.api().try_post("/api/v1/executions", &json!({ "workflow": workflow, "params": params }), &[]).expect("an answer")
}

fn accepted(scene: &Scene, workflow: &str, params: &Value) -> String {
    let (status, body) = ask(scene, workflow, params);
    assert_eq!(status, 201, "{body:#}");
    body["id"].as_str().unwrap().to_owned()
}

/// Each execution waits behind all before it, of which it names the first one and the last one.
fn assert_queued(scene: &Scene, queued: &[&String], first: &str) {
    for (place, id) in queued.iter().enumerate() {
        let execution = scene.api().wait_status(id, "waiting");
        assert_eq!(execution["waits"]["for"], "queue", "{execution:#}");
        let why = scene.api().wait_why(id, "queued");
        assert_eq!((why["name"].as_str(), &why["count"]), (Some(first), &json!(place + 1)), "{why:#}");
        let last = place.checked_sub(1).map(|before| queued[before].as_str());
        assert_eq!(why["directlyBehind"]["execution"].as_str(), last, "{why:#}");
    }
}

/// The order in which executions started, by the times that the controller recorded.
fn order(scene: &Scene, ids: &[&String]) -> Vec<usize> {
    let started = |id: &String| scene.api().execution(id)["startedAt"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let mut order: Vec<_> = ids.iter().enumerate().map(|(place, id)| (started(id), place)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, place)| place).collect()
}

fn turns_come_in_the_order_of_acceptance_also_after_a_kill(engine: Engine) {
    let mut scene = Scene::on(engine, "queue: turns in order");
    // Each waits for a file of its own, by its number.
    let command = scene.held("go-$N").replace('\'', "\"");
    let only = with(step("only", &["a1"], &command), json!({ "env": { "N": "{{ execution.number }}" } }));
    let spec = json!({ "concurrency": { "policy": "Queue", "maxQueued": 3 }, "steps": [only] });
    scene.write_workflow("turns", &spec);
    scene.set_up(&["a1"], 5);
    let ids: Vec<String> = (0..4).map(|_| accepted(&scene, "turns", &json!({}))).collect();
    let (status, body) = ask(&scene, "turns", &json!({}));
    assert_eq!((status, &body["code"]), (409, &json!("queue_full")), "{body:#}");
    scene.wait_witnessed(1);
    assert_queued(&scene, &[&ids[1], &ids[2], &ids[3]], "turns#1");

    scene.controller.crash(&[]);
    assert_queued(&scene, &[&ids[1], &ids[2], &ids[3]], "turns#1");
    let (status, body) = ask(&scene, "turns", &json!({}));
    assert_eq!((status, &body["code"]), (409, &json!("queue_full")), "also after a restart: {body:#}");
    // One in the middle goes: the one behind it moves up, and its place is free for another.
    scene.api().cancel(&ids[2], "drain");
    assert_eq!(scene.api().wait_ended(&ids[2])["status"], "cancelled");
    let last = accepted(&scene, "turns", &json!({}));
    assert_queued(&scene, &[&ids[1], &ids[3], &last], "turns#1");

    scene.let_go("go-1");
    scene.wait_witnessed(2);
    scene.controller.crash(&[]);
    assert_queued(&scene, &[&ids[3], &last], "turns#2");
    let number = scene.api().execution(&last)["number"].to_string();
    for number in ["2", "4", number.as_str()] {
        scene.let_go(&format!("go-{number}"));
    }
    let ran = [&ids[0], &ids[1], &ids[3], &last];
    for id in ran {
        let execution = scene.api().wait_ended(id);
        assert_eq!(execution["status"], "succeeded", "{execution:#}");
    }
    assert_eq!(order(&scene, &ran), [0, 1, 2, 3], "in the order of acceptance");
    assert_eq!(scene.started(), 4, "the cancelled one never ran");
    // One at a time: what ran signed its end before the next one signed its start.
    let signs: Vec<String> = scene.witness.lines().into_iter().map(|[_, _, _, what]| what).collect();
    assert_eq!(signs, ["start", "end"].repeat(4));
    scene.judge();
}

fn keys_run_side_by_side(engine: Engine) {
    let mut scene = Scene::on(engine, "queue: keys");
    let spec = json!({
        "params": [{ "name": "host", "required": true }],
        "concurrency": { "policy": "Queue", "key": "{{ params.host }}" },
        "steps": [step("only", &["a1"], &scene.held("go"))],
    });
    scene.write_workflow("keyed", &spec);
    scene.set_up(&["a1"], 5);
    let start = |host: &str| accepted(&scene, "keyed", &json!({ "host": host }));
    let (one, two, behind) = (start("one"), start("two"), start("one"));
    scene.wait_witnessed(2);
    assert_eq!(scene.api().execution(&two)["concurrencyKey"].as_str().map(|key| key.contains("two")), Some(true));
    assert_queued(&scene, &[&behind], "keyed#1");
    assert_eq!(scene.started(), 2, "the third one waits for its key");
    scene.let_go("go");
    for id in [&one, &two, &behind] {
        assert_eq!(scene.api().wait_ended(id)["status"], "succeeded");
    }
    scene.judge();
}
