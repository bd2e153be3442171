//! `pulse import` as people and scripts use it: files, exit codes, and manifests that `pulse validate` accepts.

mod support;

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use support::{Ended, pulse};

fn run(folder: &Path, args: &[&str]) -> Ended {
    Ended::from(pulse(args).current_dir(folder).output().expect("pulse runs"))
}
fn folder(name: &str, definition: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), definition.to_string()).unwrap();
    folder
}

fn disk_check() -> Value {
    json!({"name": "Disk Check", "steps": [
        {"name": "Look", "type": "execute", "targets": ["web-1"], "command": "df -P / | awk 'NR==2 {sub(\"%\", \"\", $5); print \"PCT=\" $5}'", "timeout": 30, "retries": 2},
        {"name": "Read", "type": "parse"},
        {"name": "Warn", "type": "execute", "targets": ["web-1"], "command": "logger \"disk {{limit}}\"", "timeout": 30, "condition": "state.pct > 90"}
    ], "params": {"limit": "90"}})
}

#[test]
fn what_is_imported_is_valid_and_is_not_written_twice() {
    let folder = folder("old.json", &disk_check());
    let first = run(folder.path(), &["import", "old.json", "-o", "out/workflows"]);
    assert_eq!((first.code, first.stderr.as_str()), (Some(0), ""), "{first:?}");
    assert_eq!(first.stdout, "out/workflows/disk-check.yaml: written\n");
    let valid = run(folder.path(), &["validate", "out"]);
    assert_eq!(valid.code, Some(0), "{}", valid.stdout);
    let again = run(folder.path(), &["import", "old.json", "-o", "out/workflows"]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), "out/workflows/disk-check.yaml: unchanged\n"));

    let path = folder.path().join("out/workflows/disk-check.yaml");
    let imported = fs::read_to_string(&path).unwrap();
    fs::write(&path, "mine").unwrap();
    let refused = run(folder.path(), &["import", "old.json", "-o", "out/workflows"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    assert!(refused.stderr.contains("nothing was written") && refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    assert_eq!(run(folder.path(), &["import", "old.json", "-o", "out/workflows", "--force"]).code, Some(0));
    assert_eq!(fs::read_to_string(&path).unwrap(), imported);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft stays");
}

#[test]
fn nothing_is_written_where_one_file_would_be_overwritten() {
    let steps = json!([{"type": "wait", "duration": 1}]);
    let folder = folder(
        "old.json",
        &json!([{"name": "a", "definition": {"steps": steps}}, {"name": "b", "definition": {"steps": steps}}]),
    );
    fs::write(folder.path().join("b.yaml"), "mine").unwrap();
    assert_eq!(run(folder.path(), &["import", "old.json", "-o", "."]).code, Some(2));
    assert!(!folder.path().join("a.yaml").exists());
}

#[test]
fn stdout_holds_one_stream_of_documents() {
    let folder = folder(
        "old.json",
        &json!([disk_check(), {"name": "clean", "command": "true", "schedule_type": "interval", "schedule_value": "15m", "targets": ["web-1"]}]),
    );
    let ended = run(folder.path(), &["import", "old.json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, run(folder.path(), &["import", "old.json", "-o", "-"]).stdout);
    fs::write(folder.path().join("all.yaml"), &ended.stdout).unwrap();
    let valid = run(folder.path(), &["validate", "all.yaml"]);
    assert!(valid.code == Some(0) && valid.stdout.contains("2 manifests in 1 file"), "{}", valid.stdout);
}

#[test]
fn exit_codes_tell_notes_checks_and_errors_apart() {
    let step = |condition: &str| {
        json!({"steps": [
            {"id": "a", "type": "execute", "targets": ["web-1"], "command": "echo A=1", "timeout": 5}, {"type": "parse"},
            {"name": "Go", "type": "wait", "duration": 1, "condition": condition}
        ]})
    };
    for (condition, code, part) in [
        ("state.a === '1'", 0, ""),
        ("state.a >= '1'", 0, "note: workflow \"old\", step 3 \"Go\", `condition`: texts are compared"),
        ("state.a !== 1", 1, "check: workflow \"old\", step 3 \"Go\", `condition`: was `state.a !== 1`"),
        (
            "state.constructor.constructor('return 1')() === 1",
            2,
            "error: workflow \"old\", step 3 \"Go\", `condition`: `state.constructor.",
        ),
        ("/^web/.test(state.a)", 2, "help: write `starts_with`"),
    ] {
        let folder = folder("old.json", &step(condition));
        let ended = run(folder.path(), &["import", "old.json", "-o", "out"]);
        assert_eq!(ended.code, Some(code), "{condition}: {ended:?}");
        assert!(ended.stderr.contains(part), "{condition}: {}", ended.stderr);
        assert_eq!(folder.path().join("out/old.yaml").exists(), code < 2, "{condition}");
        assert_eq!(ended.stderr.contains("1 of 1 definitions left out"), code == 2, "{condition}");
    }
}

#[test]
fn units_and_names_are_what_is_said() {
    let folder =
        folder("old.json", &json!({"steps": [{"type": "execute", "targets": ["web-1"], "command": "true", "timeout": 1500}]}));
    let asked = run(folder.path(), &["import", "old.json"]);
    assert!(asked.code == Some(2) && asked.stderr.contains("--timeout-unit s") && asked.stdout.is_empty(), "{asked:?}");
    let seconds = run(folder.path(), &["import", "old.json", "--timeout-unit", "s", "--name", "Other Name"]);
    assert!(
        seconds.code == Some(0) && seconds.stdout.contains("timeout: 10m") && seconds.stdout.contains("name: other-name"),
        "{seconds:?}"
    );
    let millis = run(folder.path(), &["import", "old.json", "--timeout-unit", "ms"]);
    assert!(millis.code == Some(0) && millis.stdout.contains("timeout: 1500ms"), "{millis:?}");
}

#[test]
fn what_cannot_be_read_exits_2() {
    let folder = folder("old.json", &json!({"name": "x"}));
    for (args, part) in [
        (vec!["import", "old.json"], "old.json: this is no definition"),
        (vec!["import", "nowhere.json"], "cannot read nowhere.json"),
        (vec!["import", "."], "cannot read ."),
        (vec!["import"], "<FILE>"),
    ] {
        let ended = run(folder.path(), &args);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
}

#[test]
fn no_text_of_the_input_moves_the_cursor() {
    let folder = folder("old.json", &json!({"name": "\u{1b}[2Jx", "steps": [{"name": "\u{9b}2J", "type": "\u{1b}[31m"}]}));
    let ended = run(folder.path(), &["import", "old.json"]);
    assert!(ended.code == Some(2) && !ended.stderr.contains(['\u{1b}', '\u{9b}']), "{ended:?}");
}
