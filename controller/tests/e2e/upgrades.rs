//! Schemas: a migration that is killed at any moment is finished by the next start; a database of a newer release is refused and not touched.

use crate::harness::{Engine, Scene, controller_program, on_both, step};
use serde_json::json;
use std::process::{Command, Stdio};
use std::time::Duration;

on_both! {
    a_migration_that_is_killed_again_and_again_is_finished
    a_newer_schema_is_refused_with_clear_words
}

fn migrate(scene: &Scene, arguments: &[&str]) -> Command {
    let mut command = Command::new(controller_program());
    command.arg("migrate").args(arguments).env_clear().env("PULSE_DATABASE_URL", &scene.database.url);
    command.env("PULSE_DATA_DIR", scene.path("controller")).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn a_migration_that_is_killed_again_and_again_is_finished(engine: Engine) {
    let mut scene = Scene::on(engine, "upgrades: a migration is killed");
    scene.write_workflow("plain", &json!({ "steps": [step("say", &["a1"], "echo hello")] }));
    let mut killed = 0;
    // Each a little later than the one before, until one is quicker than its end.
    for delay in (1..60).map(|step| Duration::from_millis(step * 12)) {
        let mut child = migrate(&scene, &[]).spawn().unwrap();
        std::thread::sleep(delay);
        if child.try_wait().unwrap().is_some() {
            break;
        }
        // SIGKILL.
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
    }
    assert!(killed >= 1, "it was always quicker");
    let done = migrate(&scene, &[]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let status = migrate(&scene, &["--status"]).output().unwrap();
    let lines = String::from_utf8(status.stdout).unwrap();
    assert!(lines.lines().count() >= 9 && lines.lines().all(|line| line.contains("applied")), "{lines}");
    scene.set_up(&["a1"], 5);
    assert_eq!(scene.run("plain")["status"], "succeeded");
}

fn a_newer_schema_is_refused_with_clear_words(engine: Engine) {
    let mut scene = Scene::on(engine, "upgrades: a newer schema");
    scene.controller.start(&[]);
    scene.controller.terminate();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (999, 'future', 1, x'00', 1)";
    scene.database.execute(newer).unwrap();
    let before = scene.database.number("SELECT MAX(epoch) FROM leases");
    scene.controller.launch(&[]);
    assert_ne!(scene.controller.wait_ended(), Some(0));
    let log = scene.controller.log();
    assert!(log.contains("the database has schema 999, this release knows schemas up to"), "{log}");
    assert!(log.contains("run the newer pulse-controller, or restore a backup"), "{log}");
    let refused = migrate(&scene, &[]).output().unwrap();
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("schema 999"));
    let status = migrate(&scene, &["--status"]).output().unwrap();
    assert!(String::from_utf8_lossy(&status.stdout).contains("of a newer release"));
    assert_eq!(scene.database.number("SELECT MAX(epoch) FROM leases"), before, "nothing was touched");
}
