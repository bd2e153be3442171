//! `pulse` and `pulse-controller dev`, as a person would use them.

use crate::harness::{Scene, agent_program, pulse, step, with};
use crate::pages::Page;
use crate::shell::commands;
use serde_json::json;
use std::process::{Command, Output};

fn run(scene: &Scene, arguments: &[&str]) -> Output {
    let api = scene.controller.api();
    let mut command = Command::new(pulse());
    command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", scene.root());
    command.env("PULSE_SERVER", api.address()).env("PULSE_TOKEN", api.admin_token());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn run_follow_shows_the_output_and_exits_as_promised() {
    let mut scene = Scene::new("pulse: run --follow");
    let hello = step("greet", &["a1"], "echo \"Hello, {{ params.name }}\"; echo mind >&2");
    scene.write_workflow("hello", &json!({ "params": [{ "name": "name", "default": "world" }], "steps": [hello] }));
    scene.write_workflow("fails", &json!({ "steps": [step("only", &["a1"], "exit 5")] }));
    let unknown = format!("{}; {}", scene.witness.start(), scene.until_go());
    scene.write_workflow("waits", &json!({ "steps": [with(step("only", &["a1"], &unknown), json!({ "timeout": "5m" }))] }));
    scene.set_up(&["a1"], 5);
    let done = run(&scene, &["run", "hello", "-p", "name=Ada", "--follow"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    assert!(text(&done.stdout).contains("a1 | Hello, Ada"), "{}", text(&done.stdout));
    assert!(text(&done.stdout).contains("mind"), "{}", text(&done.stdout));
    assert_eq!(run(&scene, &["run", "fails", "--follow"]).status.code(), Some(1));
    let logs = run(&scene, &["logs", "hello#1"]);
    assert!(text(&logs.stdout).contains("Hello, Ada"), "{}", text(&logs.stderr));
    let listed = run(&scene, &["get", "executions", "-o", "name"]);
    assert!(text(&listed.stdout).contains("hello#1"), "{} {}", text(&listed.stdout), text(&listed.stderr));
    let id = scene.start("waits");
    scene.wait_witnessed(1);
    scene.agents[0].kill_shims();
    scene.controller.api().wait_status(&id, "waiting");
    let why = run(&scene, &["why", "waits#1"]);
    assert!(text(&why.stdout).contains("pulse resolve 'waits#1'"), "{}", text(&why.stdout));
    scene.go();
}

#[test]
fn a_character_that_comes_byte_by_byte_is_followed_whole() {
    let mut scene = Scene::new("pulse: a character in three pieces");
    let slowly = "for byte in 342 202 254 012; do printf \"\\\\$byte\"; sleep 0.4; done";
    scene.write_workflow("slowly", &json!({ "steps": [step("only", &["a1"], slowly)] }));
    scene.set_up(&["a1"], 5);
    let id = scene.start("slowly");
    let followed = run(&scene, &["logs", "-f", "slowly#1"]);
    assert_eq!(text(&followed.stdout).trim(), "a1 | €", "{}", text(&followed.stderr));
    scene.controller.api().wait_ended(&id);
}

#[test]
fn wrong_settings_are_said_with_place_and_mend() {
    let scene = Scene::new("pulse: wrong settings");
    let controller = env!("CARGO_BIN_EXE_pulse-controller");
    let root = scene.root().display().to_string();
    let refused = |environment: &[(&str, &str)], expected: &str| {
        let mut command = Command::new(controller);
        let output = command.env_clear().env("PULSE_DATA_DIR", &root).envs(environment.iter().copied()).output().unwrap();
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains(expected) && !said.contains("panicked"), "{said}");
    };
    refused(&[("PULSE_LISTEN", "nowhere")], "PULSE_LISTEN");
    refused(&[("PULSE_LISTEN", "0.0.0.0:8080")], "PULSE_INSECURE_HTTP");
    refused(&[("PULSE_ADMIN_TOKEN", "short")], "PULSE_ADMIN_TOKEN");
    refused(&[("PULSE_SOURCE_URL", "/no/such/folder")], "/no/such/folder");
}

#[test]
fn a_second_controller_on_the_same_data_refuses_to_start() {
    let mut scene = Scene::new("pulse: two controllers, one folder");
    scene.set_up(&[], 5);
    let output = Command::new(env!("CARGO_BIN_EXE_pulse-controller"))
        .env_clear()
        .env("PULSE_DATA_DIR", scene.path("controller"))
        .env("PULSE_LISTEN", "127.0.0.1:0")
        .output()
        .unwrap();
    assert!(!output.status.success(), "{}", text(&output.stderr));
    assert!(scene.controller.api().is_ready());
}

/// Each is asked for its help, which it gives only where it knows every word before.
#[test]
fn every_command_line_of_controller_and_agent_on_the_pages_is_one() {
    let (mut count, mut wrong) = (0, Vec::new());
    for page in Page::all() {
        for block in page.blocks().iter().filter(|block| block.is_shell()) {
            for words in commands(&block.text) {
                let program = match words[0].as_str() {
                    "pulse-controller" => env!("CARGO_BIN_EXE_pulse-controller").into(),
                    "pulse-agent" => agent_program(),
                    _ => continue,
                };
                count += 1;
                let output = Command::new(program).args(&words[1..]).arg("--help").env_clear().output().unwrap();
                if !output.status.success() {
                    wrong.push(format!("{}:{}: {words:?}: {}", page.path, block.line, text(&output.stderr)));
                }
            }
        }
    }
    assert!(count > 2 && wrong.is_empty(), "{count} were found\n{}", wrong.join("\n"));
}
