//! Backups and restores by the real program: a restore runs nothing again, agents bear witness, and half a database is none.

use crate::harness::{Controller, Database, Engine, Scene, attempts, controller_program, on_both, step, wait};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output, Stdio};

on_both! {
    a_restore_runs_nothing_again_and_agents_bear_witness
    a_restore_that_is_killed_leaves_no_database_until_it_is_done_again
    a_running_controller_and_what_is_there_are_not_overwritten
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs the controller's program on the database at this URL.
fn program(scene: &Scene, url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(controller_program());
    command.args(arguments).env_clear().env("PULSE_DATABASE_URL", url).env("PULSE_DATA_DIR", scene.path("controller"));
    command.stdin(Stdio::null());
    command
}

fn ran(scene: &Scene, arguments: &[&str]) -> Output {
    program(scene, &scene.database.url, arguments).output().unwrap()
}

#[track_caller]
fn well(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stderr)
}

#[track_caller]
fn refused(output: &Output, told: &str) {
    let said = text(&output.stderr);
    assert!(!output.status.success() && said.contains(told), "{told:?}: {said}");
}

/// Workflows of one command, of one that is held, and of two with a question between them.
fn scene(engine: Engine, name: &str) -> Scene {
    let mut scene = Scene::on(engine, name);
    scene.write_workflow("quick", &json!({ "steps": [step("only", &["a1"], &scene.signed("true"))] }));
    scene.write_workflow("long", &json!({ "steps": [step("only", &["a1"], &scene.held("long"))] }));
    scene.write_workflow("late", &json!({ "steps": [step("only", &["a1"], &scene.held("late"))] }));
    let ask = json!({ "id": "ask", "type": "prompt", "message": "Go on?", "options": ["Yes", "No"], "timeout": "1h" });
    let steps = [ask, step("then", &["a1"], &scene.signed("true"))];
    scene.write_workflow("asks", &json!({ "steps": steps }));
    scene.set_up(&["a1"], 5);
    scene
}

fn answer(scene: &Scene, execution: &str) {
    let prompt = wait("the question", || {
        let execution = scene.api().get(&format!("/api/v1/executions/{execution}"));
        execution["steps"][0]["prompt"]["id"].as_str().map(str::to_owned)
    });
    scene.api().post(&format!("/api/v1/prompts/{prompt}/answer"), &json!({ "answer": "Yes" }));
}

/// The pause that a restore has set.
fn hold(scene: &Scene) -> Value {
    let pauses = scene.api().get("/api/v1/pauses");
    let pause = pauses["items"].as_array().unwrap().iter().find(|pause| pause["createdBy"] == "restore");
    pause.unwrap_or_else(|| panic!("a pause: {pauses:#}")).clone()
}

fn a_restore_runs_nothing_again_and_agents_bear_witness(engine: Engine) {
    let mut scene = scene(engine, "backup: a restore runs nothing again");
    let file = scene.path("pulse.backup").display().to_string();
    scene.run("quick");
    // Two are under way when the backup is taken, which holds nobody up.
    let (long, asks) = (scene.start("long"), scene.start("asks"));
    scene.wait_witnessed(2);
    wait("the question", || {
        scene.api().get(&format!("/api/v1/executions/{asks}"))["steps"][0]["prompt"].is_object().then_some(())
    });
    let said = well(&ran(&scene, &["backup", &file]));
    assert!(said.contains("sha256"), "{said}");
    refused(&ran(&scene, &["backup", &file]), "is there already");
    // Then the world goes on: both end, another one runs, and one is still running when the database is lost.
    scene.let_go("long");
    scene.api().wait_ended(&long);
    answer(&scene, &asks);
    scene.api().wait_ended(&asks);
    scene.run("quick");
    let late = scene.start("late");
    scene.wait_witnessed(5);
    let before = scene.runs();
    scene.controller.kill();
    scene.controller.bury();

    let said = well(&ran(&scene, &["restore", &file, "--force"]));
    assert!(said.contains("long#1") && said.contains("asks#1") && said.contains("pulse resume"), "{said}");
    scene.controller.start(&[]);
    scene.api().wait_online("a1");
    let pause = hold(&scene);
    assert!(pause["reason"].as_str().unwrap().contains("restored from the backup of"), "{pause}");
    // The attempt that the backup had under way is settled by what its agent remembers; it does not run again.
    let known = wait("the long one to be looked at", || {
        let execution = scene.api().get(&format!("/api/v1/executions/{long}"));
        let attempt = attempts(&execution).remove(0);
        (attempt.state == "exited").then_some(attempt)
    });
    assert_eq!(known.exited(), Some(0), "the agent remembers: {known:?}");
    // The agent still runs one of which this database has never heard, and bears witness of two that it had forgotten.
    wait("what went on to be told", || {
        (scene.controller.log().matches("orphan: an agent has an attempt").count() >= 3).then_some(())
    });
    assert_eq!(scene.api().try_get(&format!("/api/v1/executions/{late}")).unwrap().0, 404);
    // Somebody answers again, and nothing follows while all is held.
    answer(&scene, &asks);
    wait("it to be held", || {
        let execution = scene.api().get(&format!("/api/v1/executions/{asks}"));
        execution.to_string().contains("restored from the backup").then_some(())
    });
    assert_eq!(scene.runs(), before, "nothing has run again");
    // A person has looked: what went on since is not to go on again.
    for id in [&asks, &long] {
        scene.api().try_post(&format!("/api/v1/executions/{id}/cancel"), &json!({ "reason": "it went on before" }), &[]);
    }
    scene.api().wait_ended(&asks);
    let (status, _) = scene.api().try_delete(&format!("/api/v1/pauses/{}", pause["id"].as_str().unwrap())).unwrap();
    assert_eq!(status, 200);
    let again = scene.run("quick");
    assert_eq!(again["status"], "succeeded", "{again:#}");
    let mut expected = before;
    *expected.get_mut(&("only".to_owned(), "a1".to_owned())).unwrap() += 1;
    assert_eq!(scene.runs(), expected);
    scene.let_go("late");
    let rows = scene.api().get("/api/v1/audit?action=database.restore");
    assert_eq!(rows["items"].as_array().unwrap().len(), 1, "{rows:#}");
    assert_eq!(scene.api().get("/api/v1/audit/verify")["ok"], true);
}

fn a_restore_that_is_killed_leaves_no_database_until_it_is_done_again(engine: Engine) {
    let mut scene = scene(engine, "backup: a restore is killed");
    let file = scene.path("pulse.backup").display().to_string();
    scene.run("quick");
    well(&ran(&scene, &["backup", &file]));
    scene.controller.terminate();
    // Killed with its mark set and everything gone, after rows are there, and after all of them are.
    let points = ["controller.restore.before", "controller.restore.after"];
    for way in points.iter().flat_map(|point| ["abort", "error"].map(|how| format!("{how}:{point}"))) {
        let marker = scene.path("restore-dies").join("marker");
        std::fs::create_dir(scene.path("restore-dies")).unwrap();
        let mut killed = program(&scene, &scene.database.url, &["restore", &file, "--force"]);
        killed.env("PULSE_FAILPOINT", format!("{way}={}", marker.display()));
        let killed = killed.output().unwrap();
        assert!(!killed.status.success() && marker.exists(), "{way}: {}", text(&killed.stderr));
        std::fs::remove_dir_all(scene.path("restore-dies")).unwrap();
        scene.controller.launch(&[]);
        assert_ne!(scene.controller.wait_ended(), Some(0));
        assert!(scene.controller.log().contains("did not end, so that it holds half of a backup"), "{}", scene.controller.log());
        refused(&ran(&scene, &["migrate"]), "half of a backup");
        refused(&ran(&scene, &["backup", &scene.path("half").display().to_string()]), "half of a backup");
    }
    // Again, without a word of force: half a database is nothing to lose.
    well(&ran(&scene, &["restore", &file]));
    scene.controller.start(&[]);
    assert_eq!(scene.api().get("/api/v1/executions/quick%231")["status"], "succeeded");
    hold(&scene);
}

fn a_running_controller_and_what_is_there_are_not_overwritten(engine: Engine) {
    let mut scene = scene(engine, "backup: what is there is not overwritten");
    let file = scene.path("pulse.backup").display().to_string();
    scene.run("quick");
    well(&ran(&scene, &["backup", &file]));
    let running = if engine == Engine::Sqlite { "another pulse-controller runs" } else { "runs on this database" };
    refused(&ran(&scene, &["restore", &file, "--force"]), running);
    scene.controller.terminate();
    refused(&ran(&scene, &["restore", &file]), "the database is not empty");
    let damaged = scene.path("damaged").display().to_string();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&damaged, bytes).unwrap();
    refused(&ran(&scene, &["restore", &damaged, "--force"]), "is not restored");
    refused(&ran(&scene, &["restore", "/nowhere", "--force"]), "cannot read");
    scene.controller.start(&[]);
    assert_eq!(scene.api().get("/api/v1/executions/quick%231")["status"], "succeeded", "nothing was touched");
    assert_eq!(scene.api().get("/api/v1/pauses")["items"], json!([]));
}

/// From one engine to the other and back: the same rows, and the agent goes on where it is.
#[test]
fn a_backup_of_one_engine_is_restored_on_the_other() {
    let mut scene = scene(Engine::Sqlite, "backup: from SQLite to MariaDB and back");
    let (first, second) = (scene.path("first").display().to_string(), scene.path("second").display().to_string());
    let done = scene.run("quick");
    scene.controller.terminate();
    let mut out = program(&scene, &scene.database.url, &["backup", "-", "--with-secrets"]);
    let out = out.output().unwrap();
    well(&out);
    std::fs::write(&first, &out.stdout).unwrap();
    let other = Database::new(Engine::MariaDb, scene.root());
    well(&program(&scene, &other.url, &["restore", &first]).output().unwrap());
    let mut moved = Controller::named("moved", scene.root(), &other.url, "another-token-of-the-moved-one".to_owned());
    moved.start(&[]);
    let there = moved.api().get("/api/v1/executions/quick%231");
    assert_eq!((&there["id"], &there["status"]), (&done["id"], &json!("succeeded")));
    moved.terminate();
    // Back by stdin, into a database that is not there yet, with the secrets that went along.
    well(&program(&scene, &other.url, &["backup", &second]).output().unwrap());
    let fresh = scene.path("fresh");
    let url = format!("sqlite://{}", fresh.join("pulse.db").display());
    let mut back = program(&scene, &url, &["restore", "-", "--with-secrets"]);
    back.env("PULSE_DATA_DIR", &fresh).stdin(std::fs::File::open(&first).unwrap());
    let said = well(&back.output().unwrap());
    assert!(said.contains("no execution was open then"), "{said}");
    let mut third = program(&scene, &url, &["restore", &second, "--force"]);
    well(&third.env("PULSE_DATA_DIR", &fresh).output().unwrap());
    same_rows(&scene, &fresh);
}

/// What went there and back is what was there, but for what a restore says of itself.
fn same_rows(scene: &Scene, fresh: &Path) {
    let url = format!("sqlite://{}", fresh.join("pulse.db").display());
    let there = Database::open(url);
    for select in [
        "SELECT execution, CAST(seq AS TEXT), body FROM events ORDER BY execution, seq",
        "SELECT attempt, stream, hex(bytes) FROM output ORDER BY attempt, stream, start_offset",
        "SELECT id, workflow, status FROM executions ORDER BY id",
        "SELECT name, public_key, labels FROM agents ORDER BY name",
        "SELECT source, name, manifest FROM definitions ORDER BY source, kind, name",
    ] {
        let (before, after) = (scene.database.texts::<3>(select), there.texts::<3>(select));
        assert!(!before.is_empty() || select.contains("output"), "{select}");
        assert_eq!(before, after, "{select}");
    }
}
