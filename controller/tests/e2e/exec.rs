//! `pulse exec` and `POST /api/v1/commands` on real agents.

use crate::harness::{Engine, Scene, attempts, on_both, pulse};
use serde_json::json;
use std::process::{Command, Output};

on_both! {
    a_command_runs_once_on_each_agent_and_equal_answers_stand_together
    a_command_that_its_controller_was_killed_under_goes_on_and_is_repeated_as_it_was
}

fn exec(scene: &Scene, args: &[&str]) -> Output {
    let mut command = Command::new(pulse());
    command.env_clear().env("PULSE_SERVER", scene.api().address()).env("PULSE_TOKEN", scene.api().admin_token());
    command.args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn a_command_runs_once_on_each_agent_and_equal_answers_stand_together(engine: Engine) {
    let mut scene = Scene::on(engine, "exec: equal answers");
    scene.set_up(&["a1", "a2", "a3"], 5);
    let (start, end) = (scene.witness.start(), scene.witness.end());
    let script = format!("{start}; [ \"$PULSE_AGENT\" != a2 ] || exit 3; echo \"it's $WHO\"; {end}");
    let ended = exec(&scene, &["exec", "all", "-c", &script, "-e", "WHO=me", "--timeout", "1m", "--reason", "a look"]);
    assert_eq!(ended.status.code(), Some(1), "{}", text(&ended.stderr));
    assert_eq!(text(&ended.stdout), "2 agents exited 0: a1, a3\n  | it's me\na2 exited 3\n");
    assert!(text(&ended.stderr).ends_with("2 same, 1 differ\n"), "{}", text(&ended.stderr));
    let execution = scene.api().get("/api/v1/executions/command%231");
    assert_eq!((&execution["status"], &execution["trigger"]["reason"]), (&json!("failed"), &json!("a look")), "{execution:#}");
    scene.judge();
    let words = exec(&scene, &["exec", "a1", "--", "printf", "%s|", "{{.Names}}", "a b", "$HOME", "it's"]);
    assert_eq!(
        (words.status.code(), text(&words.stdout).as_str()),
        (Some(0), "{{.Names}}|a b|$HOME|it's|\n"),
        "{}",
        text(&words.stderr)
    );
}

fn a_command_that_its_controller_was_killed_under_goes_on_and_is_repeated_as_it_was(engine: Engine) {
    let mut scene = Scene::on(engine, "exec: C killed");
    scene.set_up(&["a1"], 5);
    let script = format!("{}; {}; {}; exit 7", scene.witness.start(), scene.until_go(), scene.witness.end());
    let body = json!({ "targets": ["a1"], "command": script });
    let key = [("Idempotency-Key", "the-command")];
    let (status, started) = scene.api().try_post("/api/v1/commands", &body, &key).expect("an answer");
    assert_eq!(status, 201, "{started}");
    scene.wait_witnessed(1);
    scene.controller.crash(&[]);
    let (status, again) = scene.api().try_post("/api/v1/commands", &body, &key).expect("an answer");
    assert_eq!((status, &again["id"]), (201, &started["id"]), "{again}");
    scene.go();
    let id = started["id"].as_str().unwrap();
    let ended = scene.api().wait_ended(id);
    assert_eq!((&ended["status"], attempts(&ended)[0].exited()), (&json!("failed"), Some(7)), "{ended:#}");
    let (status, retried) = scene.api().try_post(&format!("/api/v1/executions/{id}/retry"), &json!({}), &[]).expect("an answer");
    assert_eq!((status, &retried["name"]), (201, &json!("command#2")), "{retried}");
    assert_eq!(scene.api().wait_ended(retried["id"].as_str().unwrap())["status"], "failed");
    scene.judge();
}
