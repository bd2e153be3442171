//! What a dry run says, for people.

use crate::output::{self, when};
use crate::steps;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

#[derive(Debug, Deserialize)]
pub struct DryRun {
    commit: String,
    params: BTreeMap<String, Value>,
    steps: Vec<DryStep>,
}

/// A step as the server says it, and beside it what an `execute` step would run.
#[derive(Debug, Deserialize)]
struct DryStep {
    id: String,
    #[serde(default)]
    script: String,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    files: Vec<DryFile>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(flatten)]
    declared: Value,
}

#[derive(Debug, Deserialize)]
struct DryFile {
    path: String,
    from: String,
    bytes: u64,
}

/// What a start would do, step by step.
pub fn dry_run(answer: &DryRun) -> String {
    let visible = output::escape::visible;
    let mut said = format!("Nothing was started. At commit {}:\n", visible(&answer.commit));
    for (name, value) in &answer.params {
        let _ = writeln!(said, "  param {name} = {}", visible(value.as_str().unwrap_or(&value.to_string())));
    }
    for step in &answer.steps {
        let (head, lines) = steps::declared(&step.declared);
        let _ = writeln!(said, "\nstep {} {head}", step.id);
        for line in lines {
            let _ = writeln!(said, "  {line}");
        }
        for (name, value) in &step.env {
            let _ = writeln!(said, "  {name}={}", visible(value));
        }
        if let Some(file) = &step.file {
            let args: String = step.args.iter().map(|arg| format!(" {arg:?}")).collect();
            let _ = writeln!(said, "  script {}{}", visible(file), visible(&args));
        }
        for file in &step.files {
            let from = if file.from == file.path { String::new() } else { format!(" from {}", visible(&file.from)) };
            let _ = writeln!(said, "  file {}{from} ({})", visible(&file.path), when::bytes(file.bytes));
        }
        // What a script file holds can be read in the repository.
        for line in step.script.trim_end().lines().filter(|_| step.file.is_none()) {
            let _ = writeln!(said, "  | {}", visible(line));
        }
        if let Some(then) = steps::then(&step.declared) {
            let _ = writeln!(said, "  {then}");
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::{DryRun, dry_run};

    #[test]
    fn a_dry_run_shows_targets_and_commands() {
        let answer: DryRun = serde_json::from_value(serde_json::json!({"commit": "abc", "params": {"who": "x\u{1b}"}, "steps": [
            {"id": "greet", "when": "params.who != \"\"", "targets": ["a", "b"], "argv": ["/bin/sh"], "script": "echo\nls\n", "env": {"A": "1"}}]}))
        .unwrap();
        let expected = "Nothing was started. At commit abc:\n  param who = x\\e\n\nstep greet on 2: a, b\n  when params.who != \"\"\n  A=1\n  | echo\n  | ls\n";
        assert_eq!(dry_run(&answer), expected);
    }

    #[test]
    fn a_dry_run_shows_script_arguments_and_files() {
        let answer: DryRun = serde_json::from_value(serde_json::json!({"commit": "abc", "params": {}, "steps": [
            {"id": "greet", "targets": ["a"], "argv": [], "script": "#!/bin/sh\n", "file": "bin/a.sh", "args": ["--x=a b", ""],
             "files": [{"path": "lib", "from": "lib", "bytes": 3, "executable": false},
                       {"path": "c", "from": "conf/c", "bytes": 5, "executable": true}]}]}))
        .unwrap();
        let expected = "Nothing was started. At commit abc:\n\nstep greet on 1: a\n  script bin/a.sh \"--x=a b\" \"\"\n  file lib (3 B)\n  file c from conf/c (5 B)\n";
        assert_eq!(dry_run(&answer), expected);
    }

    #[test]
    fn a_dry_run_shows_steps_of_every_type() {
        let answer: DryRun = serde_json::from_value(serde_json::json!({"commit": "abc", "params": {"count": 3}, "steps": [
            {"id": "up", "type": "execute", "targets": ["a"], "argv": ["/bin/sh"], "script": "ls", "goto": "ask"},
            {"id": "again", "type": "execute", "targets": [], "targetsFrom": {"from": "up", "result": "failed"}, "argv": [], "script": "ls"},
            {"id": "ask", "type": "prompt", "when": "true", "message": "Go?", "options": ["Yes", {"value": "No", "goto": "end"}], "timeout": null, "onTimeout": "fail"},
            {"id": "settle", "type": "wait", "duration": "10m"},
            {"id": "choose", "type": "route", "routes": [{"if": "a > 1", "goto": "up"}]}]}))
        .unwrap();
        let expected = "Nothing was started. At commit abc:\n  param count = 3\n\nstep up on 1: a\n  | ls\n  then step ask\n\n\
            step again on those that failed in step up\n  | ls\n\nstep ask asks a person\n  when true\n  Go?\n    1) Yes\n    2) No → the end\n\n\
            step settle waits for 10m\n\nstep choose takes a route\n  if a > 1 → step up\n";
        assert_eq!(dry_run(&answer), expected);
    }
}
