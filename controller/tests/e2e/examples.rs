//! Every workflow of `examples/`: valid, planned, told by a dry run, and run to each of its ends, with its prompts answered.
//! `examples/workflows` is what `make demo` serves, `examples/reference` what the pages of the reference show.

use crate::harness::{Scene, attempts, pulse};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One way through a workflow.
struct Way {
    workflow: &'static str,
    params: &'static [(&'static str, &'static str)],
    /// What people answer, in order.
    answers: &'static [&'static str],
    status: &'static str,
    /// The steps that it visits, and how each ends.
    steps: &'static [(&'static str, &'static str)],
}

const OK: &str = "succeeded";
const NO: &str = "failed";
const SKIPPED: &str = "skipped";

#[rustfmt::skip]
const WAYS: [Way; 14] = [
    Way { workflow: "hello", params: &[("name", "Ada")], answers: &[], status: OK, steps: &[("greet", OK)] },
    Way { workflow: "conditions", params: &[], answers: &[], status: OK,
          steps: &[("look", OK), ("found", OK), ("missing", SKIPPED)] },
    Way { workflow: "conditions", params: &[("program", "definitely-not-there")], answers: &[], status: OK,
          steps: &[("look", NO), ("found", SKIPPED), ("missing", OK)] },
    Way { workflow: "disk-check", params: &[("limit", "100")], answers: &[], status: OK, steps: &[("disk", OK)] },
    // No number, so every try fails.
    Way { workflow: "disk-check", params: &[("limit", "none")], answers: &[], status: NO, steps: &[("disk", NO)] },
    Way { workflow: "programs", params: &[("title", "What's here?")], answers: &[], status: OK, steps: &[("look", OK)] },
    Way { workflow: "report", params: &[], answers: &[], status: OK, steps: &[("report", OK)] },
    Way { workflow: "rolling-check", params: &[("seconds", "0")], answers: &[], status: OK, steps: &[("roll", OK)] },
    Way { workflow: "backup", params: &[], answers: &[], status: OK,
          steps: &[("backup", OK), ("read", OK), ("verify", OK), ("settle", OK), ("cleanup", OK)] },
    Way { workflow: "disk-route", params: &[("limit", "1")], answers: &["Clean up"], status: OK,
          steps: &[("check", OK), ("read", OK), ("choose", OK), ("ask", OK), ("clean", OK)] },
    Way { workflow: "disk-route", params: &[("limit", "1")], answers: &["Leave it"], status: OK,
          steps: &[("check", OK), ("read", OK), ("choose", OK), ("ask", OK)] },
    Way { workflow: "interactive-update", params: &[("ticket", "OPS-12")], answers: &["Yes", "Yes"], status: OK,
          steps: &[("refresh", OK), ("approve", OK), ("upgrade", OK), ("reboot", OK), ("restart", OK)] },
    Way { workflow: "interactive-update", params: &[("ticket", "OPS-12"), ("channel", "testing")], answers: &["Yes", "No"], status: OK,
          steps: &[("refresh", OK), ("approve", OK), ("upgrade", OK), ("reboot", OK), ("restart", SKIPPED)] },
    Way { workflow: "interactive-update", params: &[("ticket", "OPS-12")], answers: &["No"], status: OK,
          steps: &[("refresh", OK), ("approve", OK)] },
];

#[rustfmt::skip]
const REFERENCE: [Way; 10] = [
    Way { workflow: "restart-service", params: &[("ticket", "OPS-12")], answers: &["Yes"], status: OK,
          steps: &[("approve", OK), ("restart", OK)] },
    Way { workflow: "restart-service", params: &[("ticket", "OPS-12")], answers: &["No"], status: OK, steps: &[("approve", OK)] },
    Way { workflow: "disk-usage", params: &[], answers: &[], status: OK, steps: &[("usage", OK), ("report", OK)] },
    Way { workflow: "ask-first", params: &[], answers: &["Yes"], status: OK, steps: &[("look", OK), ("approve", OK), ("act", OK)] },
    Way { workflow: "ask-first", params: &[], answers: &["Look again", "No"], status: OK,
          steps: &[("look", OK), ("approve", OK), ("look", OK), ("approve", OK)] },
    Way { workflow: "wait-a-while", params: &[], answers: &[], status: OK, steps: &[("settle", OK), ("window", OK), ("work", OK)] },
    Way { workflow: "read-values", params: &[], answers: &[], status: OK,
          steps: &[("facts", OK), ("read", OK), ("inventory", OK), ("read-inventory", OK), ("load", OK), ("read-load", OK), ("tell", OK)] },
    Way { workflow: "choose-a-way", params: &[], answers: &[], status: OK, steps: &[("look", OK), ("read", OK), ("choose", OK)] },
    Way { workflow: "choose-a-way", params: &[("used", "80")], answers: &[], status: OK,
          steps: &[("look", OK), ("read", OK), ("choose", OK), ("warn", OK)] },
    Way { workflow: "choose-a-way", params: &[("used", "95")], answers: &[], status: OK,
          steps: &[("look", OK), ("read", OK), ("choose", OK), ("clean", OK)] },
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

/// `pulse`: its exit code and what it says.
fn run_pulse(scene: &Scene, args: &[&str]) -> (Option<i32>, String) {
    let api = scene.api();
    let mut command = Command::new(pulse());
    command.args(args).env_clear().env("HOME", scene.root());
    let output = command.env("PULSE_SERVER", api.address()).env("PULSE_TOKEN", api.admin_token()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn body(way: &Way, dry_run: bool) -> Value {
    let params: serde_json::Map<String, Value> =
        way.params.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({ "workflow": way.workflow, "params": params, "dryRun": dry_run })
}

/// What a dry run tells is what the workflow says: every step in order, and nothing has started.
fn assert_dry_run(scene: &Scene, way: &Way) {
    let before = scene.api().executions().len();
    let told = scene.api().post("/api/v1/executions", &body(way, true));
    let live = scene.api().get(&format!("/api/v1/workflows/{}", way.workflow));
    let ids = |steps: &Value| {
        steps.as_array().unwrap().iter().map(|step| (step["id"].clone(), step["type"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(ids(&told["steps"]), ids(&live["spec"]["steps"]), "{told:#}");
    // Whose targets are those of an earlier step is not known yet.
    let known = |step: &&Value| step["type"] == "execute" && step["targetsFrom"].is_null();
    let executes = told["steps"].as_array().unwrap().iter().filter(known);
    assert!(executes.clone().all(|step| step["targets"] == json!(["local"])), "{told:#}");
    assert_eq!(scene.api().executions().len(), before, "nothing was started");
}

/// Runs it to its end, which is the one that was said.
fn assert_ends(scene: &Scene, way: &Way) -> Value {
    let id = scene.api().start(&body(way, false));
    for answer in way.answers {
        let prompt = scene.api().wait_prompt(&id);
        assert!(!prompt["message"].as_str().unwrap().contains("{{"), "{prompt:#}");
        scene.api().answer(&prompt["id"], answer);
    }
    let execution = scene.api().wait_ended(&id);
    let steps = execution["steps"].as_array().unwrap();
    let steps: Vec<_> = steps.iter().map(|step| (step["id"].as_str().unwrap(), step["status"].as_str().unwrap())).collect();
    assert_eq!((execution["status"].as_str().unwrap(), steps.as_slice()), (way.status, way.steps), "{execution:#}");
    let answered = scene.api().events_of(&id, &["prompt_answered"]);
    let answers: Vec<_> = answered.iter().map(|event| event["answer"].as_str().unwrap()).collect();
    assert_eq!(answers, way.answers, "{execution:#}");
    execution
}

/// The folder is valid, planned and live, and each of its workflows has its ways.
fn assert_live(scene: &Scene, name: &str, ways: &[Way]) {
    let place = folder(name).display().to_string();
    let (code, said) = run_pulse(scene, &["validate", &place]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run_pulse(scene, &["plan", &place]);
    assert!(code == Some(1) && said.contains(", 0 to update, 0 to retire"), "{said}");
    let copied = Command::new("cp").arg("-R").arg(format!("{place}/.")).arg(scene.path("source")).status().unwrap();
    assert!(copied.success());
    let synced = scene.api().post("/api/v1/syncs", &json!({}));
    assert_ne!(synced["outcome"], "refused", "{synced:#}");
    let (code, said) = run_pulse(scene, &["plan", &place]);
    assert_eq!(code, Some(0), "what is live is what is there: {said}");

    let live = scene.api().get("/api/v1/workflows?limit=500");
    let live: BTreeSet<_> =
        live["items"].as_array().unwrap().iter().map(|one| one["metadata"]["name"].as_str().unwrap()).collect();
    let run: BTreeSet<_> = ways.iter().map(|way| way.workflow).collect();
    assert_eq!(run, live, "each example has its ways in this test");
}

#[test]
fn every_example_of_the_reference_is_run_to_each_of_its_ends() {
    let mut scene = Scene::new("examples: those of the reference");
    scene.set_up(&["local"], 5);
    assert_live(&scene, "reference", &REFERENCE);
    for way in &REFERENCE {
        assert_dry_run(&scene, way);
        let execution = assert_ends(&scene, way);
        if way.workflow == "read-values" {
            let (id, all) = (execution["id"].as_str().unwrap(), attempts(&execution));
            let told = scene.api().whole_output(id, all.last().unwrap(), "stdout");
            assert!(told.ends_with(" Hannover 0.42\n") && told.len() > " Hannover 0.42\n".len(), "{told}");
        }
    }
}

#[test]
fn every_example_is_valid_planned_told_and_run_to_each_of_its_ends() {
    let mut scene = Scene::new("examples: each to its ends");
    scene.set_up(&["local"], 5);
    assert_live(&scene, "workflows", &WAYS);
    for way in &WAYS {
        assert_dry_run(&scene, way);
        let execution = assert_ends(&scene, way);
        let all = attempts(&execution);
        match way.workflow {
            "hello" => {
                let id = execution["id"].as_str().unwrap();
                assert_eq!(scene.api().whole_output(id, &all[0], "stdout"), "Hello, Ada, from local!\n");
            }
            "disk-check" => assert_eq!(all.len(), if way.status == OK { 1 } else { 3 }, "a failed look is tried again"),
            "backup" => {
                let copy = execution["state"]["backup"]["copy"].as_str().unwrap();
                assert!(copy.contains("pulse-example-backup") && !Path::new(copy).exists(), "{copy} was cleaned up");
            }
            _ => {}
        }
    }
    // The other way through the route takes no answer.
    let route = Way { workflow: "disk-route", params: &[("limit", "100")], answers: &[], status: OK, steps: &FINE };
    let execution = assert_ends(&scene, &route);
    assert_eq!(execution["steps"][2]["route"], json!({ "place": 1, "label": "room enough", "goto": "fine" }), "{execution:#}");
}

const FINE: [(&str, &str); 4] = [("check", OK), ("read", OK), ("choose", OK), ("fine", OK)];
