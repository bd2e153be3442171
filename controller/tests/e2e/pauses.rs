//! Pauses: what they hold starts nothing new, what runs goes on, `why` names them, and a controller that is killed keeps them.

use crate::harness::{Api, Engine, Scene, attempts, manifest, on_both, step};
use serde_json::{Value, json};

on_both! {
    a_paused_workflow_starts_nothing_until_the_pause_ends
    a_pause_holds_the_next_step_and_lets_what_runs_end
    a_paused_agent_gets_nothing_and_others_go_on
    labels_hold_what_they_match_and_a_pause_expires
    a_pause_is_there_or_not_when_its_controller_dies_as_it_is_set_or_ended
}

/// A workflow of one step on each of the agents, with these labels.
fn write(scene: &Scene, name: &str, labels: &Value, agents: &[&str]) {
    let spec = json!({ "concurrency": { "policy": "Allow" }, "steps": [step("only", agents, &scene.signed("true"))] });
    let mut text: Value = serde_json::from_str(&manifest("Workflow", name, &spec)).unwrap();
    text["metadata"]["labels"] = labels.clone();
    std::fs::write(scene.source(&format!("{name}.yaml")), format!("{text:#}\n")).unwrap();
}

/// The reason names this pause, its scope and who set it.
fn assert_held(api: &Api, id: &str, pause: &Value) {
    let why = api.wait_why(id, "paused");
    let fields = [("pause", "id"), ("scope", "scope"), ("by", "createdBy"), ("reason", "reason"), ("until", "expiresAt")];
    assert!(fields.iter().all(|(said, set)| why[*said] == pause[*set]), "{why:#} {pause:#}");
}

fn assert_succeeds(scene: &Scene, id: &str) {
    let execution = scene.api().wait_ended(id);
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
}

fn a_paused_workflow_starts_nothing_until_the_pause_ends(engine: Engine) {
    let mut scene = Scene::on(engine, "pauses: a workflow");
    write(&scene, "held", &json!({}), &["a1"]);
    write(&scene, "free", &json!({}), &["a1"]);
    scene.set_up(&["a1"], 5);
    let pause = scene.api().pause("workflow/held", None);
    let id = scene.start("held");
    let execution = scene.api().wait_status(&id, "waiting");
    assert_eq!((&execution["waits"]["for"], &execution["startedAt"]), (&json!("pause"), &Value::Null), "{execution:#}");
    assert_held(scene.api(), &id, &pause);
    assert_eq!(scene.run("free")["status"], "succeeded", "another workflow is not held");

    scene.controller.crash(&[]);
    scene.api().wait_online("a1");
    assert_eq!(scene.api().get("/api/v1/pauses")["items"], json!([pause]), "it is kept");
    assert_held(scene.api(), &id, &pause);
    let another = scene.start("held");
    assert_held(scene.api(), &another, &pause);
    assert_eq!(scene.started(), 1, "only the other workflow ran");

    let ended = scene.api().end_pause(&pause);
    assert!(ended["endedAt"].is_string() && ended["endedBy"] == pause["createdBy"], "{ended:#}");
    assert_succeeds(&scene, &id);
    assert_succeeds(&scene, &another);
    assert_eq!(scene.api().end_pause(&pause), ended, "an end is said once");
    scene.controller.crash(&[]);
    scene.api().wait_online("a1");
    assert_eq!(scene.api().get("/api/v1/pauses")["items"], json!([]));
    assert_eq!(scene.api().get("/api/v1/pauses?all=true")["items"], json!([ended]), "it stays as history");
    assert_eq!(scene.run("held")["status"], "succeeded");
    scene.judge();
}

fn a_pause_holds_the_next_step_and_lets_what_runs_end(engine: Engine) {
    let mut scene = Scene::on(engine, "pauses: everything, while a command runs");
    let steps = [step("first", &["a1"], &scene.held("go")), step("second", &["a1"], &scene.signed("true"))];
    scene.write_workflow("two", &json!({ "steps": steps }));
    write(&scene, "other", &json!({}), &["a1"]);
    scene.set_up(&["a1"], 5);
    let id = scene.start("two");
    scene.wait_witnessed(1);
    let pause = scene.api().pause("all", Some("1h"));
    scene.let_go("go");
    let execution = scene.api().wait_status(&id, "waiting");
    let all = attempts(&execution);
    assert_eq!(all.iter().map(|attempt| attempt.exited()).collect::<Vec<_>>(), [Some(0)], "{execution:#}");
    assert_held(scene.api(), &id, &pause);
    scene.controller.crash(&[]);
    scene.api().wait_online("a1");
    assert_held(scene.api(), &id, &pause);
    assert_eq!(scene.started(), 1);
    // What is held can be ended, too.
    let held = scene.start("other");
    assert_held(scene.api(), &held, &pause);
    scene.api().cancel(&held, "drain");
    assert_eq!(scene.api().wait_ended(&held)["status"], "cancelled");
    scene.api().end_pause(&pause);
    assert_succeeds(&scene, &id);
    assert_eq!(scene.started(), 2, "each step once, and nothing of the cancelled one");
    scene.judge();
}

fn a_paused_agent_gets_nothing_and_others_go_on(engine: Engine) {
    let mut scene = Scene::on(engine, "pauses: an agent");
    write(&scene, "both", &json!({}), &["a1", "a2"]);
    scene.set_up(&["a1", "a2"], 5);
    let pause = scene.api().pause("agent/a2", None);
    let id = scene.start("both");
    scene.api().wait_execution(&id, "to have run on a1", |execution| {
        attempts(execution).iter().any(|attempt| attempt.agent == "a1" && attempt.exited() == Some(0))
    });
    let why = scene.api().wait_why(&id, "paused");
    assert_eq!((&why["pause"], &why["target"], &why["step"]), (&pause["id"], &json!("a2"), &json!("only")), "{why:#}");
    scene.controller.crash(&[]);
    for agent in ["a1", "a2"] {
        scene.api().wait_online(agent);
    }
    assert_held(scene.api(), &id, &pause);
    assert_eq!(scene.runs().into_keys().map(|(_, agent)| agent).collect::<Vec<_>>(), ["a1"]);
    scene.api().end_pause(&pause);
    assert_succeeds(&scene, &id);
    assert_eq!(scene.runs().into_values().collect::<Vec<_>>(), [1, 1]);
    scene.judge();
}

fn labels_hold_what_they_match_and_a_pause_expires(engine: Engine) {
    let mut scene = Scene::on(engine, "pauses: labels, and an expiry");
    write(&scene, "infra", &json!({ "team": "infra", "env": "prod" }), &["a1"]);
    write(&scene, "dev", &json!({ "team": "infra", "env": "dev" }), &["a1"]);
    write(&scene, "bare", &json!({}), &["a1"]);
    scene.set_up(&["a1"], 5);
    let pause = scene.api().pause("team=infra,env!=dev", Some("6s"));
    let id = scene.start("infra");
    assert_held(scene.api(), &id, &pause);
    for free in ["dev", "bare"] {
        assert_eq!(scene.run(free)["status"], "succeeded", "{free} is not held");
    }
    scene.controller.crash(&[]);
    scene.api().wait_online("a1");
    let execution = scene.api().wait_ended(&id);
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(time(&execution["startedAt"]) >= time(&pause["expiresAt"]), "not before the pause was over: {execution:#}");
    assert_eq!(scene.api().get("/api/v1/pauses")["items"], json!([]));
    let history = scene.api().get("/api/v1/pauses?all=true");
    assert_eq!((&history["items"][0]["id"], &history["items"][0]["endedAt"]), (&pause["id"], &Value::Null), "{history:#}");
    scene.judge();
}

/// The controller dies at this point of what is asked of it; nobody is told.
fn dies_at(scene: &mut Scene, point: &str, ask: impl FnOnce(&Api) -> Option<(u16, Value)> + Send + 'static) {
    let gate = scene.gate(point);
    scene.controller.crash(&[gate.environment()]);
    gate.arm();
    let api = scene.api().clone();
    let asking = std::thread::spawn(move || ask(&api));
    gate.wait_reached();
    scene.controller.crash(&[]);
    assert_eq!(asking.join().unwrap(), None, "nobody is told");
    gate.open();
}

/// The pauses that hold.
fn holding(scene: &Scene) -> Vec<Value> {
    scene.api().get("/api/v1/pauses")["items"].as_array().unwrap().clone()
}

fn a_pause_is_there_or_not_when_its_controller_dies_as_it_is_set_or_ended(engine: Engine) {
    let mut scene = Scene::on(engine, "pauses: kill -9 as one is set and ended");
    write(&scene, "held", &json!({}), &["a1"]);
    scene.set_up(&["a1"], 5);
    let body = json!({ "scope": "workflow/held", "reason": "the test holds it" });
    for (point, there) in [("controller.pause.before", 0), ("controller.pause.after", 1)] {
        let body = body.clone();
        dies_at(&mut scene, point, move |api| api.try_post("/api/v1/pauses", &body, &[]));
        assert_eq!(holding(&scene).len(), there, "{point}: {:#?}", holding(&scene));
    }
    let pause = holding(&scene)[0].clone();
    let id = scene.start("held");
    assert_held(scene.api(), &id, &pause);
    let path = format!("/api/v1/pauses/{}", pause["id"].as_str().unwrap());
    let (ends, ends_again) = (path.clone(), path);
    dies_at(&mut scene, "controller.pause-end.before", move |api| api.try_delete(&ends));
    assert_held(scene.api(), &id, &pause);
    dies_at(&mut scene, "controller.pause-end.after", move |api| api.try_delete(&ends_again));
    assert_eq!(holding(&scene), Vec::<Value>::new());
    assert_succeeds(&scene, &id);
    scene.judge();
}
