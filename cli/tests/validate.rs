//! `pulse validate` as people and scripts use it: every example is valid, and what is wrong is shown where it is.

mod support;

use serde_json::Value;
use std::path::{Path, PathBuf};
use support::{Ended, pulse};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/workflows")
}

fn validate(args: &[&str]) -> Ended {
    let args: Vec<&str> = std::iter::once("validate").chain(args.iter().copied()).collect();
    Ended::from(pulse(&args).output().expect("pulse runs"))
}

#[test]
fn every_example_is_valid_together_and_alone() {
    let folder = examples();
    let ended = validate(&[folder.to_str().unwrap()]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    assert!(files.len() >= 6, "{files:?}");
    assert_eq!(ended.stdout, format!("{0} manifests in {0} files: valid\n", files.len()));
    for file in files {
        let ended = validate(&[file.to_str().unwrap()]);
        let text = std::fs::read_to_string(&file).unwrap();
        // Alone, a file may name agents and groups of the others, and files below a root that is not known; those are warnings. A
        // schedule's workflow must be there.
        if text.contains("\n  workflow: ") {
            assert_eq!(ended.code, Some(1), "{}", ended.stdout);
            assert!(
                ended.stdout.matches("error[").count() == 1 && ended.stdout.contains("error[unknown-workflow]"),
                "{}",
                ended.stdout
            );
        } else {
            assert_eq!(ended.code, Some(0), "{}", ended.stdout);
            assert!(ended.stdout.contains("1 manifest in 1 file: valid") && !ended.stdout.contains("error["), "{}", ended.stdout);
        }
        let schema = text.strip_prefix("# yaml-language-server: $schema=").and_then(|rest| rest.lines().next());
        let schema = schema.unwrap_or_else(|| panic!("{} names no schema", file.display()));
        assert!(folder.join(schema).is_file(), "{} names {schema}, which is not there", file.display());
    }
}

const BAD: &str = "apiVersion: pulse.dev/v1
kind: Workflow
metadata: {name: bad}
spec:
  steps:
    - id: greet
      type: execute
      targets: [all]
      command: echo {{ params.nope }}
";

#[test]
fn problems_have_place_caret_code_and_help() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.yaml"), BAD).unwrap();
    let ended = Ended::from(pulse(&["validate", "."]).current_dir(&folder).output().unwrap());
    let expected = "\
error[bad-template]: the workflow has no parameter `nope`
 --> ./bad.yaml:9:21
  |
8 |       targets: [all]
9 |       command: echo {{ params.nope }}
  |                     ^^^^^^^^^^^^^^^^^
  |
help: declare it: `params: [{name: nope}]`

1 file: 1 error
";
    assert_eq!(ended.stdout, expected);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""));
}

/// A prompt, a route and a parse that are wrong, each in its own way.
const PEOPLE: &str = r#"apiVersion: pulse.dev/v1
kind: Workflow
metadata: {name: bad}
spec:
  steps:
    - {id: look, type: execute, targets: [a1], command: df}
    - id: ask
      type: prompt
      message: Go?
      options: ["Yes", {value: "No", goto: nowhere}]
      onTimeout: {answer: "No"}
    - {id: read, type: parse, from: ask}
    - id: choose
      type: route
      routes:
        - {if: state.used > 80 &, goto: end}
"#;

#[test]
fn problems_of_every_type_of_step_have_place_and_help() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.yaml"), PEOPLE).unwrap();
    let ended = Ended::from(pulse(&["validate", "."]).current_dir(&folder).output().unwrap());
    for (title, place, line, help) in [
        (
            "error[unknown-step]: there is no step `nowhere`",
            "10:44",
            "goto: nowhere}]",
            "write the id of a step of this workflow, or `end`",
        ),
        ("error[conflicting-fields]: without a `timeout`", "11:18", "onTimeout: {answer", "add `timeout: …`"),
        (
            "error[bad-value]: `ask` is a step of the type `prompt`, which has no output",
            "12:37",
            "from: ask",
            "name an `execute` step",
        ),
    ] {
        let from = ended.stdout.find(title).unwrap_or_else(|| panic!("{title:?} is not in\n{}", ended.stdout));
        let snippet = ended.stdout[from..].split("\n\n").next().unwrap();
        for part in [format!("--> ./bad.yaml:{place}\n"), line.to_owned(), format!("help: {help}")] {
            assert!(snippet.contains(&part), "{part:?} is not in\n{snippet}");
        }
    }
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
}

#[test]
fn scripts_get_every_problem_as_json() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.yaml"), BAD).unwrap();
    let ended = validate(&[folder.path().to_str().unwrap(), "-o", "json"]);
    let answer: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(ended.code, Some(1));
    assert_eq!(answer["valid"], false);
    let problem = &answer["problems"][0];
    assert_eq!((&problem["code"], &problem["line"], &problem["column"]), (&"bad-template".into(), &9.into(), &21.into()));
    assert_eq!((&problem["pointer"], &problem["severity"]), (&"/spec/steps/0/command".into(), &"error".into()));
}

#[test]
fn the_set_is_checked_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let agent = "apiVersion: pulse.dev/v1\nkind: Agent\nmetadata: {name: web-1}\n";
    std::fs::write(folder.path().join("a.yaml"), agent).unwrap();
    std::fs::write(folder.path().join("b.yaml"), agent).unwrap();
    let ended = validate(&[folder.path().to_str().unwrap()]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("error[duplicate-name]") && ended.stdout.contains("b.yaml:3:18"), "{}", ended.stdout);
}

#[test]
fn wrong_usage_and_unreadable_paths_exit_2() {
    let missing = validate(&["/nowhere/at/all"]);
    assert_eq!((missing.code, missing.stdout.as_str()), (Some(2), ""));
    assert!(missing.stderr.starts_with("error: cannot read /nowhere/at/all"), "{}", missing.stderr);
    assert_eq!(validate(&[]).code, Some(2));
    let format = validate(&["x", "-o", "name"]);
    assert_eq!(format.code, Some(2));
    assert!(format.stderr.contains("no `-o name`") && format.stderr.contains("table, json, yaml"), "{}", format.stderr);
}
