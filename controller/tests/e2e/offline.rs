//! An agent that is away: a blip changes nothing, after 30 s `onOffline` says what happens.

use crate::harness::{Engine, Scene, attempts, on_both, step, wait, with};
use serde_json::{Value, json};

on_both! {
    on_offline_fails_skips_or_waits
}

fn on_offline_fails_skips_or_waits(engine: Engine) {
    let mut scene = Scene::on(engine, "offline: fail, skip, wait");
    let command = format!("{}\n{}", scene.witness.start(), scene.witness.end());
    for (name, rule) in [("fails", "fail"), ("skips", "skip"), ("waits", "wait 5m"), ("gives-up", "wait 3s")] {
        let away = with(step("away", &["a1"], &command), json!({ "onOffline": rule }));
        scene.write_workflow(name, &json!({ "steps": [away] }));
    }
    scene.set_up(&["a1"], 5);
    scene.agents[0].terminate();
    let api = scene.controller.api();
    wait("the session to be seen as closed", || {
        let id = scene.start("fails");
        let reasons = api.get(&format!("/api/v1/executions/{id}/why")).to_string();
        Some(id).filter(|_| reasons.contains("disconnected"))
    });
    let ids = ["skips", "waits", "gives-up"].map(|name| scene.start(name));
    for id in &ids {
        let execution = api.execution(id);
        assert_eq!(execution["status"], "running", "a lost connection is no reason to give up: {execution:#}");
    }
    let failed = api.get("/api/v1/executions?workflow=fails")["items"][0]["id"].as_str().unwrap().to_owned();
    let status = |id: &str| api.wait_ended(id)["status"].as_str().map(str::to_owned);
    assert_eq!(status(&failed).as_deref(), Some("failed"));
    let skipped = api.wait_ended(&ids[0]);
    assert_eq!((skipped["status"].as_str(), skipped["steps"][0]["status"].as_str()), (Some("succeeded"), Some("skipped")));
    assert_eq!(status(&ids[2]).as_deref(), Some("failed"));
    let waiting = api.execution(&ids[1]);
    assert_eq!(waiting["status"], "running", "{waiting:#}");
    assert!(api.get(&format!("/api/v1/executions/{}/why", ids[1])).to_string().contains("offline"));
    assert_eq!(scene.started(), 0);
    scene.agents[0].start(&[]);
    let execution: Value = scene.controller.api().wait_ended(&ids[1]);
    assert_eq!((execution["status"].as_str(), attempts(&execution).len()), (Some("succeeded"), 1), "{execution:#}");
    scene.judge();
}
