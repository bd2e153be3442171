//! `pulse doctor` and `pulse-controller doctor`, against a controller and an agent that run, and against one that lost its source.

use crate::harness::{Scene, pulse, step};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;

/// Outcomes by the checks' names, and how it exited.
fn doctor(command: &mut Command) -> (BTreeMap<String, String>, Option<i32>) {
    let ended = command.args(["doctor", "-o", "json"]).output().unwrap();
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    let answer: Value =
        serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}{}", String::from_utf8_lossy(&ended.stderr)));
    let word = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let checks = answer["checks"].as_array().unwrap();
    (checks.iter().map(|check| (word(check, "name"), word(check, "outcome"))).collect(), ended.status.code())
}

fn from_here(scene: &Scene) -> (BTreeMap<String, String>, Option<i32>) {
    let api = scene.controller.api();
    let mut command = Command::new(pulse());
    command.env_clear().env("PULSE_SERVER", api.address()).env("PULSE_TOKEN", api.admin_token());
    doctor(&mut command)
}

fn from_the_server(scene: &Scene) -> (BTreeMap<String, String>, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulse-controller"));
    command.env_clear().env("PULSE_DATA_DIR", scene.path("controller")).env("PULSE_SOURCE_URL", scene.path("source"));
    command.env("PULSE_DATABASE_URL", &scene.database.url).env("PULSE_ADMIN_TOKEN", scene.controller.api().admin_token());
    command.env("PULSE_LISTEN", scene.controller.api().address().strip_prefix("http://").unwrap());
    doctor(&mut command)
}

#[test]
fn both_find_a_running_pulse_well_and_then_what_is_wrong() {
    let mut scene = Scene::new("observe: doctor");
    scene.write_workflow("w", &json!({ "steps": [step("only", &["a1"], "echo")] }));
    scene.set_up(&["a1"], 2);
    let (here, code) = from_here(&scene);
    for name in ["server", "release", "clock", "database", "token", "source", "agents", "executions"] {
        assert_eq!(here[name], "ok", "{name}: {here:?}");
    }
    // No webhook is set up.
    assert_eq!((here["webhook"].as_str(), code), ("warn", Some(0)));
    let (there, code) = from_the_server(&scene);
    for name in ["settings", "data", "controller", "database", "source", "zones"] {
        assert_eq!(there[name], "ok", "{name}: {there:?}");
    }
    assert_eq!(code, Some(0));

    std::fs::write(scene.source("bad.yaml"), "kind: Nonsense\n").unwrap();
    scene.api().try_post("/api/v1/syncs", &json!({}), &[]);
    let (here, code) = from_here(&scene);
    assert_eq!((here["source"].as_str(), code), ("fail", Some(1)), "{here:?}");
    scene.controller.terminate();
    let (here, code) = from_here(&scene);
    assert_eq!((here.len(), here["server"].as_str(), code), (1, "fail", Some(1)), "{here:?}");
    let (there, _) = from_the_server(&scene);
    assert_eq!((there["controller"].as_str(), there["database"].as_str()), ("warn", "ok"), "{there:?}");
}
