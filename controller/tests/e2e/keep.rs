//! Retention with real binaries: what is old goes while work goes on, numbers go on, agents that nobody has heard of are shown out.

use crate::harness::{Engine, Scene, on_both, step, wait};
use serde_json::{Value, json};

on_both! {
    old_executions_go_and_numbers_go_on
}

/// So many microseconds in a day.
const DAY: i64 = 86_400_000_000;

/// Makes everything of an execution so many days older.
fn age(scene: &Scene, workflow: &str, numbers: &str, days: i64) {
    let back = days * DAY;
    let older = format!("created_at = created_at - {back}, started_at = started_at - {back}, ended_at = ended_at - {back}");
    let update = format!("UPDATE executions SET {older} WHERE workflow = '{workflow}' AND number {numbers}");
    scene.database.execute(&update).unwrap();
}

fn keep(scene: &mut Scene, settings: &[(&'static str, &str)]) {
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    scene.controller.set(settings);
}

fn status(scene: &Scene, execution: &str) -> (u16, Value) {
    let path = format!("/api/v1/executions/{}", execution.replace('#', "%23"));
    scene.api().try_get(&path).expect("an answer")
}

fn old_executions_go_and_numbers_go_on(engine: Engine) {
    let mut scene = Scene::on(engine, "keep: what is old goes");
    keep(&mut scene, &[("PULSE_KEEP_EVERY", "1s"), ("PULSE_KEEP_AT_LEAST", "2")]);
    scene.write_workflow("plain", &json!({ "steps": [step("say", &["a1"], "echo hello")] }));
    let own = json!({ "executions": "366d", "output": "2d", "atLeast": 1 });
    scene.write_workflow("own", &json!({ "retention": own, "steps": [step("say", &["a1"], "echo kept longer")] }));
    scene.set_up(&["a1"], 5);
    for _ in 0..5 {
        scene.run("plain");
    }
    scene.run("own");
    age(&scene, "plain", "<= 4", 100);
    age(&scene, "own", "= 1", 100);
    wait("the old ones to go", || (status(&scene, "plain#1").0 == 410).then_some(()));
    for number in 1..=3 {
        let (code, problem) = status(&scene, &format!("plain#{number}"));
        assert_eq!((code, problem["code"].as_str()), (410, Some("execution_removed")), "{problem}");
    }
    assert_eq!((status(&scene, "plain#4").0, status(&scene, "plain#5").0), (200, 200), "two are kept, however old");
    wait("everything of them to go", || (scene.database.number("SELECT COUNT(*) FROM removals") == 0).then_some(()));
    for (table, column) in [("events", "execution"), ("attempts", "execution")] {
        let orphans = format!("SELECT COUNT(*) FROM {table} WHERE {column} NOT IN (SELECT id FROM executions)");
        assert_eq!(scene.database.number(&orphans), 0, "{table}");
    }
    // The output of a kept one goes by its workflow's own word; what happened stays.
    wait("its output to go", || {
        let own = "SELECT COUNT(*) FROM executions WHERE workflow = 'own' AND output_removed_at IS NOT NULL";
        (scene.database.number(own) == 1).then_some(())
    });
    let (code, own) = status(&scene, "own#1");
    assert_eq!((code, own["status"].as_str()), (200, Some("succeeded")), "{own}");
    let output = scene.api().get("/api/v1/executions/own%231/output");
    assert!(!output.to_string().contains("kept longer"), "{output}");
    let next = scene.run("plain");
    assert_eq!(next["number"], 6, "{next:#}");
    let said = wait("the audit log to say so", || {
        let rows = scene.api().get("/api/v1/audit?action=retention.run");
        rows["items"].as_array().is_some_and(|rows| !rows.is_empty()).then_some(rows)
    });
    let removed: u64 = said["items"].as_array().unwrap().iter().filter_map(|row| row["details"]["executions"].as_u64()).sum();
    assert_eq!(removed, 3, "{said:#}");
    assert!(scene.controller.log().contains("retention has removed what is not kept"));
}

#[test]
fn an_agent_that_nobody_has_heard_of_is_shown_out_and_told_so_when_it_comes_back() {
    let mut scene = Scene::on(Engine::Sqlite, "keep: a stale agent");
    keep(&mut scene, &[("PULSE_KEEP_EVERY", "1s"), ("PULSE_KEEP_AGENTS", "30d")]);
    scene.set_up(&["a1", "a2"], 5);
    scene.agents[1].terminate();
    wait("its last word to be noted", || {
        (scene.database.number("SELECT COUNT(*) FROM agents WHERE last_seen IS NOT NULL") == 2).then_some(())
    });
    let now = scene.database.number("SELECT last_seen FROM agents WHERE name = 'a1'");
    let long_ago = format!("UPDATE agents SET last_seen = {0}, enrolled_at = {0} WHERE name = 'a2'", now - 31 * DAY);
    wait("it to be shown out", || {
        // Again and again: a word of it from before may be noted late.
        scene.database.execute(&long_ago).ok()?;
        (scene.api().get("/api/v1/agents/a2")["status"]["state"] == "revoked").then_some(())
    });
    assert_eq!(scene.api().get("/api/v1/agents/a1")["status"]["state"], "online");
    let rows = scene.api().get("/api/v1/audit?action=agent.revoke&object=a2");
    assert!(rows["items"][0]["details"]["reason"].as_str().unwrap().contains("PULSE_KEEP_AGENTS"), "{rows:#}");
    scene.agents[1].launch(&[]);
    wait("it to be told", || scene.agents[1].log().contains("it was not seen since").then_some(()));
    assert!(scene.agents[1].log().contains("enrol it anew with a token"));
}
