//! A database that goes away in the middle of executions, or comes late.

use crate::harness::{Database, Engine, OwnServer, Scene, attempts, own_server, step, wait, within};
use serde_json::json;
use std::time::Duration;

/// How soon the API says that the database is away, and that it is back.
const SOON: Duration = Duration::from_secs(15);

/// A scene with a server of its own, which does not run yet.
fn scene(name: &str) -> (Scene, OwnServer) {
    let mut server = None;
    let scene = Scene::made(name, |root| Database::of(server.insert(own_server(root))));
    (scene, server.expect("made"))
}

#[test]
fn a_restarted_database_stops_nothing_that_runs() {
    const EXECUTIONS: usize = 6;
    let (mut scene, mut server) = scene("database: stopped, killed, started");
    server.start();
    let command = format!("{}\nsleep 0.5\necho done\n{}", scene.witness.start(), scene.witness.end());
    let held = format!("{}\n{}\n{}", scene.witness.start(), scene.until_go(), scene.witness.end());
    let steps = [step("one", &["a1"], &command), step("held", &["a1"], &held), step("three", &["a1"], &command)];
    scene.write_workflow("w", &json!({ "concurrency": { "policy": "Allow" }, "steps": steps }));
    scene.set_up(&["a1"], 4);
    let ids: Vec<String> = (0..EXECUTIONS).map(|_| scene.start("w")).collect();
    scene.wait_witnessed(3);
    for by_force in [false, true] {
        if by_force {
            server.kill()
        } else {
            server.stop()
        }
        let api = scene.controller.api();
        within(SOON, "the API to say so", || {
            let (status, refused) = api.try_get("/api/v1/executions")?;
            (status == 503 && refused["code"] == "database_unavailable").then_some(())
        });
        let (status, _) = api.try_post("/api/v1/executions", &json!({ "workflow": "w" }), &[]).expect("an answer");
        assert_eq!(status, 503, "nothing is accepted that is not written");
        assert_eq!(api.try_get("/health/live").expect("an answer").0, 200);
        assert_eq!(api.try_get("/health/ready").expect("an answer").0, 503);
        server.start();
        within(SOON, "the controller to be ready again", || scene.controller.api().is_ready().then_some(()));
    }
    scene.go();
    for id in &ids {
        let execution = scene.controller.api().wait_ended(id);
        assert_eq!(execution["status"], "succeeded", "{execution:#}");
        assert_eq!(attempts(&execution).len(), 3, "one attempt for each step: {execution:#}");
    }
    let all = scene.controller.api().executions().len();
    assert_eq!(all, EXECUTIONS, "what was refused was not started");
    scene.judge();
}

#[test]
fn a_database_that_is_not_there_yet_is_waited_for() {
    let (mut scene, mut server) = scene("database: comes late");
    scene.write_workflow("w", &json!({ "steps": [step("only", &["a1"], "true")] }));
    scene.controller.launch(&[]);
    let reason = wait("the reason to be said", || {
        let (status, ready) = scene.controller.api().try_get("/health/ready")?;
        assert_eq!((status, &ready["role"]), (503, &json!("connecting")));
        let reason = ready["reason"].as_str().unwrap_or_default().to_owned();
        Some(reason).filter(|reason| reason.starts_with("waiting for the database:"))
    });
    assert!(!reason.contains("root"), "{reason}");
    assert_eq!(scene.controller.api().get("/health/live")["status"], "ok");
    server.start();
    scene.controller.wait_ready();
    scene.set_up_agents(&["a1"], 1);
    assert_eq!(scene.run("w")["status"], "succeeded");
}

#[test]
fn what_no_waiting_mends_ends_the_process_with_the_remedy() {
    let mut scene = Scene::on(Engine::MariaDb, "database: no access");
    let wrong = scene.database.url.replace("root:", "root:not-");
    assert_ne!(wrong, scene.database.url);
    scene.controller.launch(&[("PULSE_DATABASE_URL".to_owned(), wrong)]);
    assert_eq!(scene.controller.wait_ended(), Some(1));
    let log = scene.controller.log();
    assert!(log.contains("cannot open the database") && log.contains("Access denied"), "{log}");
    assert!(!log.contains("not-"), "the password is shown: {log}");
}
