//! What a command finds around it, and what becomes of everything it writes.

use crate::harness::{Attempt, Scene, attempts, processes_of, step, wait, with};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Head and tail that are kept of a stream.
const HEAD: usize = 1024 * 1024;
const TAIL: usize = 4 * 1024 * 1024;

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs one command; its execution's id and its only attempt.
fn run(scene: &mut Scene, command: &str, further: Value) -> (String, Attempt) {
    scene.write_workflow("one", &json!({ "steps": [with(step("only", &["a1"], command), further)] }));
    scene.set_up(&["a1"], 5);
    let execution = scene.run("one");
    let all = attempts(&execution);
    assert_eq!((execution["status"].as_str(), all.len()), (Some("succeeded"), 1), "{execution:#}");
    (execution["id"].as_str().unwrap().to_owned(), all[0].clone())
}

#[test]
fn bytes_that_are_no_text_are_kept_as_they_are() {
    let mut scene = Scene::new("commands: random bytes");
    let copy = scene.path("copy");
    let command = format!("head -c 300000 /dev/urandom | tee '{}'; head -c 70000 /dev/zero >&2", copy.display());
    let (id, attempt) = run(&mut scene, &command, json!({}));
    let api = scene.controller.api();
    let stored = wait("the output to arrive", || Some(api.raw(&id, &attempt, "stdout")).filter(|raw| raw.bytes.len() >= 300_000));
    assert_eq!((digest(&stored.bytes), stored.cut), (digest(&std::fs::read(copy).unwrap()), 0));
    let zeros = wait("the errors to arrive", || Some(api.raw(&id, &attempt, "stderr")).filter(|raw| raw.bytes.len() >= 70_000));
    assert!(zeros.bytes.len() == 70_000 && zeros.bytes.iter().all(|byte| *byte == 0));
}

#[test]
fn of_very_much_output_head_and_tail_are_kept_and_the_totals_are_exact() {
    let mut scene = Scene::new("commands: 16 MB of output");
    let copy = scene.path("copy");
    let (id, attempt) = run(&mut scene, &format!("seq 1 2200000 | tee '{}'", copy.display()), json!({}));
    let whole = std::fs::read(copy).unwrap();
    assert!(whole.len() > 16_000_000);
    assert_eq!(attempt.all["stdout"]["bytes"], whole.len());
    assert_eq!(attempt.all["stdout"]["sha256"], digest(&whole));
    let api = scene.controller.api();
    let kept = |raw: &crate::harness::Raw| raw.bytes.len() as u64 + raw.cut == whole.len() as u64;
    let stored = wait("the tail to arrive", || Some(api.raw(&id, &attempt, "stdout")).filter(kept));
    assert!(stored.bytes.len() >= HEAD + TAIL, "{} bytes are kept", stored.bytes.len());
    assert!(stored.bytes.starts_with(&whole[..HEAD]), "the head");
    assert!(stored.bytes.ends_with(&whole[whole.len() - TAIL..]), "the tail");
}

#[test]
fn a_command_finds_what_is_declared_and_nothing_else() {
    let mut scene = Scene::new("commands: environment");
    let command = "env | cut -d= -f1 | sort | tr '\\n' ' '; echo; umask; pwd; echo \"$PULSE_WORKDIR\"; cat; echo \"end of stdin\"; \
                   echo \"$DECLARED\"; echo x > file; echo \"$PULSE_STEP $PULSE_AGENT\"";
    let (id, attempt) = run(&mut scene, command, json!({ "env": { "DECLARED": "by {{ agent.name }}" } }));
    let text = scene.controller.api().whole_output(&id, &attempt, "stdout");
    let lines: Vec<&str> = text.lines().collect();
    // PWD is the shell's own.
    let names = "DECLARED HOME LANG PATH PULSE_AGENT PULSE_ATTEMPT PULSE_COMMIT PULSE_EXECUTION PULSE_IDEMPOTENCY_KEY PULSE_STEP \
                 PULSE_WORKDIR PWD ";
    assert_eq!(lines[0], names);
    assert_eq!((lines[1], lines[4], lines[5], lines[6]), ("0022", "end of stdin", "by a1", "only a1"));
    assert_eq!(lines[2], lines[3], "the work folder is where it begins");
    wait("the work folder to be removed", || (!std::path::Path::new(lines[3]).exists()).then_some(()));
}

#[test]
fn values_stand_in_no_process_list() {
    let mut scene = Scene::new("commands: process list");
    let value = "a-value-that-nobody-shall-see";
    let command = format!("{}; x=\"{{{{ params.value }}}}\"; {}", scene.witness.start(), scene.until_go());
    let params = json!([{ "name": "value", "required": true }]);
    scene.write_workflow("one", &json!({ "params": params, "steps": [step("only", &["a1"], &command)] }));
    scene.set_up(&["a1"], 5);
    let api = scene.controller.api();
    let id = api.start(&json!({ "workflow": "one", "params": { "value": value } }));
    scene.wait_witnessed(1);
    let all = processes_of(scene.root());
    assert!(all.len() >= 4, "controller, agent, shim, command: {all:?}");
    for pid in all {
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&arguments).contains(value), "process {pid} shows the value");
    }
    scene.go();
    assert_eq!(api.wait_ended(&id)["status"], "succeeded");
    let logs = scene.controller.log() + scene.agents[0].log().as_str();
    assert!(!logs.contains(value), "a log shows the value");
}

#[test]
fn a_command_longer_than_an_argument_runs() {
    let mut scene = Scene::new("commands: 200 KiB of script");
    let padding = "# a comment that makes the script longer than Linux takes as one argument\n".repeat(2800);
    let command = format!("{padding}printf '%s' \"{{{{ agent.name }}}}\"\n{padding}");
    assert!(command.len() > 400_000 / 2);
    let (id, attempt) = run(&mut scene, &command, json!({}));
    assert_eq!(scene.controller.api().whole_output(&id, &attempt, "stdout"), "a1");
}
