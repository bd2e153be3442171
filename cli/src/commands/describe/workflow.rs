//! A workflow as people read it: its parameters, and what each step does.

use super::each_text;
use crate::commands::fields;
use crate::output::escape::visible;
use crate::steps;
use crate::views::{pairs, text};
use serde_json::Value;
use std::fmt::Write;

/// All of it.
pub(super) fn workflow(object: &Value) -> String {
    let mut said = fields(&[
        ("Workflow", text(object, "/metadata/name")),
        ("Description", text(object, "/spec/description")),
        ("Labels", pairs(object, "/metadata/labels")),
        ("Concurrency", text(object, "/spec/concurrency/policy")),
        ("Source", text(object, "/status/source")),
        ("File", text(object, "/status/path")),
        ("Commit", text(object, "/status/observedCommit")),
        ("Generation", text(object, "/status/generation")),
    ]);
    let each = |pointer: &str| object.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let params = each("/spec/params");
    if !params.is_empty() {
        said.push_str("\nParams:\n");
    }
    for param in params {
        let kind = Some(text(&param, "/type")).filter(|kind| !matches!(kind.as_str(), "" | "string"));
        let kind = kind.map_or_else(String::new, |kind| format!("{kind}, "));
        let how = match (text(&param, "/required").as_str(), param.get("default").filter(|value| !value.is_null())) {
            ("true", _) => "required".to_owned(),
            (_, Some(default)) => format!("default {default}"),
            (_, None) => "optional".to_owned(),
        };
        let about = text(&param, "/description");
        let about = if about.is_empty() { about } else { format!(": {}", visible(&about)) };
        let values = Some(each_text(&param, "/values")).filter(|values| !values.is_empty());
        let values = values.map_or_else(String::new, |values| format!("; one of {}", visible(&values)));
        let _ = writeln!(said, "  {} ({kind}{}{values}){about}", text(&param, "/name"), visible(&how));
    }
    said.push_str("\nSteps:\n");
    for step in each("/spec/steps") {
        let (head, lines) = steps::declared(&step);
        // The sentences of the other types say which one it is.
        let kind = Some(text(&step, "/type")).filter(|kind| kind == "execute").map_or("", |_| "execute ");
        let _ = writeln!(said, "  {}: {kind}{head}", text(&step, "/id"));
        for line in lines {
            let _ = writeln!(said, "    {line}");
        }
        said.push_str(&script_and_files(&step));
        for line in text(&step, "/command").trim_end().lines() {
            let _ = writeln!(said, "    | {}", visible(line));
        }
        if let Some(then) = steps::then(&step) {
            let _ = writeln!(said, "    {then}");
        }
    }
    said
}

/// The script file with its arguments, and the files that lie beside it.
fn script_and_files(step: &Value) -> String {
    let mut said = String::new();
    let file = text(step, "/script/file");
    if !file.is_empty() {
        let args = step.pointer("/script/args").and_then(Value::as_array).into_iter().flatten();
        let args: String = args.map(|arg| format!(" {arg}")).collect();
        let _ = writeln!(said, "    script {}{}", visible(&file), visible(&args));
    }
    for file in step.pointer("/files").and_then(Value::as_array).into_iter().flatten() {
        let _ = match file.as_str() {
            Some(path) => writeln!(said, "    file {}", visible(path)),
            None => writeln!(said, "    file {} from {}", visible(&text(file, "/to")), visible(&text(file, "/from"))),
        };
    }
    said
}

#[cfg(test)]
mod tests {
    use super::workflow;

    #[test]
    fn a_step_shows_its_script_and_files() {
        let step = serde_json::json!({"id": "a", "type": "execute", "targets": ["x"],
            "script": {"file": "bin/a.sh", "args": ["--x", "{{ params.y }}"]}, "files": ["lib", {"from": "conf/c", "to": "c"}]});
        let said = workflow(&serde_json::json!({"metadata": {"name": "w"}, "spec": {"steps": [step]}}));
        let expected =
            "  a: execute on x\n    script bin/a.sh \"--x\" \"{{ params.y }}\"\n    file lib\n    file c from conf/c\n";
        assert!(said.ends_with(expected), "{said}");
    }

    #[test]
    fn parameters_and_steps_of_every_type_are_shown() {
        let spec = serde_json::json!({"params": [{"name": "c", "type": "enum", "values": ["a", "b"], "default": "a"}, {"name": "n", "type": "int", "required": true}, {"name": "t"}],
            "steps": [{"id": "ask", "type": "prompt", "message": "Go?", "options": ["Yes"], "goto": "end"}, {"id": "nap", "type": "wait", "duration": "1h"}]});
        let said = workflow(&serde_json::json!({"metadata": {"name": "w"}, "spec": spec}));
        let expected = "\nParams:\n  c (enum, default \"a\"; one of a, b)\n  n (int, required)\n  t (optional)\n\nSteps:\n  \
            ask: asks a person\n    Go?\n      1) Yes\n    then the end\n  nap: waits for 1h\n";
        assert!(said.ends_with(expected), "{said}");
    }
}
