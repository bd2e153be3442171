//! Schedules with real processes: commands really run by themselves, and a controller that is killed around fires starts no slot
//! twice and leaves none without a record.

use crate::harness::{Forge, Scene, attempts, full, manifest, wait};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A schedule of one command, each second; it runs longer than that, so that slots fire and are skipped by turns.
fn every_second(name: &str) -> Scene {
    let scene = Scene::new(name);
    let command = format!("{}\nsleep 1.2\n{}", scene.witness.start(), scene.witness.end());
    let spec = json!({"every": "1s", "targets": ["a1"], "command": command, "onOffline": "wait 1h"});
    std::fs::write(scene.source("beat.yaml"), manifest("Schedule", "beat", &spec)).unwrap();
    scene
}

/// Every record of the schedule's slots, oldest first.
fn slots(scene: &Scene) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = scene.controller.api().get(&format!("/api/v1/schedules/beat/slots?limit=500{cursor}"));
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    all.reverse();
    all
}

fn fired(scene: &Scene) -> Vec<Value> {
    slots(scene).into_iter().filter(|slot| slot["outcome"] == "fired").collect()
}

/// Waits until so many more slots have fired than there were.
fn wait_fired(scene: &Scene, more: usize) {
    let before = fired(scene).len();
    wait("slots to fire", || (fired(scene).len() >= before + more).then_some(()));
}

fn second(slot: &Value) -> i64 {
    slot.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second()
}

/// The schedule is no longer in the source: no slot is missing, none is there twice, and each that fired has its execution, which
/// is of no other.
fn check(scene: &Scene) {
    scene.controller.api().post("/api/v1/syncs", &json!({}));
    let (status, _) = scene.controller.api().try_get("/api/v1/schedules/beat").expect("an answer");
    assert_eq!(status, 404, "nothing fires any more");
    let path = "/api/v1/schedules/beat/slots?source=default&limit=500";
    let page = scene.controller.api().get(path);
    assert!(page["nextCursor"].is_null(), "one page holds them");
    let mut all = page["items"].as_array().unwrap().clone();
    all.reverse();
    for pair in all.windows(2) {
        assert_eq!(second(&pair[1]["slot"]), second(&pair[0]["lastSlot"]) + 1, "neither a gap nor an overlap: {pair:#?}");
    }
    for slot in &all {
        let run = second(&slot["lastSlot"]) - second(&slot["slot"]) + 1;
        assert_eq!(slot["slots"], run, "{slot:#}");
        assert_eq!(slot["execution"].is_object(), slot["outcome"] == "fired", "{slot:#}");
        assert_eq!(slot["reason"].is_string(), slot["outcome"] != "fired", "{slot:#}");
    }
    let executions = scene.controller.api().executions();
    let of = |execution: &Value| (execution["id"].as_str().unwrap().to_owned(), second(&execution["trigger"]["slot"]));
    let started: BTreeSet<_> = executions.iter().map(of).collect();
    let fired = all.iter().filter(|slot| slot["outcome"] == "fired");
    let fired: BTreeSet<_> =
        fired.map(|slot| (slot["execution"]["id"].as_str().unwrap().to_owned(), second(&slot["slot"]))).collect();
    assert_eq!(started, fired, "executions and fired slots are one to one");
    executions.iter().for_each(|execution| drop(scene.controller.api().wait_ended(execution["id"].as_str().unwrap())));
    scene.judge();
}

/// The same once it is removed from the folder.
fn check_removed(scene: &Scene) {
    std::fs::remove_file(scene.source("beat.yaml")).unwrap();
    check(scene);
}

#[test]
fn a_command_runs_by_itself() {
    let mut scene = every_second("schedules: a command each second");
    scene.set_up(&["a1"], 5);
    wait_fired(&scene, 3);
    wait("a slot to be skipped", || slots(&scene).iter().any(|slot| slot["reason"] == "still_running").then_some(()));
    let id = fired(&scene)[0]["execution"]["id"].as_str().unwrap().to_owned();
    let execution = scene.controller.api().wait_ended(&id);
    assert_eq!((&execution["status"], &execution["startedBy"]), (&"succeeded".into(), &"schedule/beat".into()));
    check_removed(&scene);
}

#[test]
fn a_script_with_its_files_runs_by_itself_as_its_commit_has_it() {
    let mut scene = Scene::new("schedules: a script with files");
    let (start, end) = (scene.witness.start(), scene.witness.end());
    let script = |word: &str| format!("#!/bin/sh\n{start}\necho {word} \"$@\"; cat conf/app\n{end}\n");
    let files = json!([{ "from": "conf/prod", "to": "conf/app" }]);
    let spec = json!({ "every": "1s", "targets": ["a1"], "onOffline": "wait 1h", "files": files,
                       "script": { "file": "bin/report.sh", "args": ["{{ agent.name }}", "a  b"] } });
    let beat = manifest("Schedule", "beat", &spec);
    let (first, second) = (script("first"), script("second"));
    let forge = Forge::with(&[("beat.yaml", &beat), ("bin/report.sh", &first), ("conf/prod", "prod\n")]);
    scene.controller.set(forge.settings());
    scene.set_up(&["a1"], 5);
    let api = scene.controller.api().clone();
    let said = |slot: &Value| {
        let id = slot["execution"]["id"].as_str().unwrap();
        let execution = api.wait_ended(id);
        assert_eq!(execution["status"], "succeeded", "{execution:#}");
        let all = attempts(&execution);
        (execution["commit"].as_str().unwrap().to_owned(), api.whole_output(id, &all[0], "stdout"))
    };
    let old = forge.repository.head("main").unwrap();
    wait_fired(&scene, 1);
    assert_eq!(said(&fired(&scene)[0]), (old.clone(), "first a1 a  b\nprod\n".to_owned()));

    // Nothing but the script and its file change; what fires from now on is of the new commit, whole.
    let new = forge.repository.commit("main", &[("bin/report.sh", &second), ("conf/prod", "other\n")]);
    let applied = api.post("/api/v1/syncs", &json!({}));
    assert_eq!((&applied["outcome"], &applied["counts"]["update"]), (&json!("applied"), &json!(1)), "{applied:#}");
    wait_fired(&scene, 2);
    let all: Vec<_> = fired(&scene).iter().map(said).collect();
    let of = |commit: &str| if commit == old { "first a1 a  b\nprod\n" } else { "second a1 a  b\nother\n" };
    assert!(all.iter().all(|(commit, text)| text == of(commit)), "{all:#?}");
    assert!(all.iter().map(|(commit, _)| commit).is_sorted_by_key(|commit| **commit == new), "{all:#?}");
    assert_eq!(all.last().map(|(commit, _)| commit), Some(&new));
    forge.repository.replace("main", &BTreeMap::new());
    check(&scene);
}

#[test]
fn a_controller_killed_at_every_write_of_a_schedule_loses_and_doubles_no_slot() {
    let mut scene = every_second("schedules: kill -9 at every write");
    scene.set_up(&["a1"], 5);
    let written = ["controller.commit.after", "controller.advance.after"];
    let before = ["controller.schedule.decided", "controller.commit.before", "controller.advance.before"];
    for point in written.into_iter().chain(before.into_iter().filter(|_| full())) {
        scene.controller.terminate();
        let gate = scene.gate(point);
        scene.controller.start(&[gate.environment()]);
        scene.controller.api().wait_online("a1");
        wait_fired(&scene, 1);
        gate.arm();
        gate.wait_reached();
        scene.controller.kill();
        scene.controller.bury();
        gate.open();
        scene.controller.start(&[]);
        scene.controller.api().wait_online("a1");
        wait_fired(&scene, 2);
    }
    check_removed(&scene);
}

#[test]
fn a_controller_killed_at_random_loses_and_doubles_no_slot() {
    let mut scene = every_second("schedules: kill -9 around fires");
    scene.set_up(&["a1"], 5);
    for _ in 0..if full() { 6 } else { 2 } {
        wait_fired(&scene, 1);
        scene.controller.kill();
        scene.controller.bury();
        scene.controller.start(&[]);
    }
    wait_fired(&scene, 1);
    check_removed(&scene);
}
