//! A command that comes as JSON and not as a file: read by the decoder of a step, so that both are told the same.

use crate::decode::{self, Report};
use crate::manifest::Execute;
use crate::problem::Problem;
use crate::source::Source;
use crate::tree::{Entry, Node, Span, Value};
use serde_json::Value as Json;

/// The command that these fields are, with every default; or every problem, whose pointers begin at these fields.
pub fn decode_command(fields: &serde_json::Map<String, Json>) -> Result<Execute, Vec<Problem>> {
    let mut writer = Writer::default();
    let tree = writer.map(fields);
    let source = Source::new("", &writer.text);
    let mut report = Report::new(&source);
    decode::command(&tree, &mut report).ok_or_else(|| report.finish())
}

/// Writes JSON and notes where everything stands, because sentences show what was written.
#[derive(Default)]
struct Writer {
    text: String,
}

impl Writer {
    fn node(&mut self, json: &Json) -> Node {
        match json {
            Json::Null => self.scalar(json, Value::Null),
            Json::Bool(value) => self.scalar(json, Value::Bool(*value)),
            Json::Number(number) => self.scalar(json, Value::Number(number.clone())),
            Json::String(text) => self.scalar(json, Value::String(text.clone())),
            Json::Array(items) => self.within("[", "]", |writer| {
                let items = items.iter().enumerate().map(|(index, item)| {
                    writer.comma(index);
                    writer.node(item)
                });
                Value::List(items.collect())
            }),
            Json::Object(fields) => self.map(fields),
        }
    }

    fn map(&mut self, fields: &serde_json::Map<String, Json>) -> Node {
        self.within("{", "}", |writer| {
            let entries = fields.iter().enumerate().map(|(index, (name, value))| {
                writer.comma(index);
                let key = writer.scalar(&Json::from(name.as_str()), Value::String(name.clone()));
                writer.text += ": ";
                Entry { key, value: writer.node(value) }
            });
            Value::Map(entries.collect())
        })
    }

    fn scalar(&mut self, json: &Json, value: Value) -> Node {
        let start = self.text.len();
        self.text += &json.to_string();
        Node { span: Span { start, end: self.text.len() }, value }
    }

    fn within(&mut self, open: &str, close: &str, write: impl FnOnce(&mut Self) -> Value) -> Node {
        let start = self.text.len();
        self.text += open;
        let value = write(self);
        self.text += close;
        Node { span: Span { start, end: self.text.len() }, value }
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.text += ", ";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::decode_command;
    use serde_json::{Value, json};

    fn said(fields: Value) -> Vec<String> {
        let Value::Object(fields) = fields else { panic!("an object") };
        let problems = decode_command(&fields).err().unwrap_or_default();
        let said = problems.into_iter().map(|problem| {
            let help = problem.help.unwrap_or_default();
            format!("{} {}: {} ({help})", problem.pointer, problem.code, problem.message)
        });
        said.collect()
    }

    #[test]
    fn what_a_step_takes_is_taken_with_its_defaults() {
        let all = json!({
            "targets": ["role=web,env!=dev", "db-1"], "command": "uptime", "shell": ["python3", "-c"], "env": {"A": "b"}, "cwd": "/srv", "user": "_a.b-1",
            "successExitCodes": [0, 3], "timeout": "90s", "killGrace": "1s", "retry": {"attempts": 3}, "maxParallel": 5, "maxFailures": 1,
            "onOffline": "wait 10m", "onUnknown": "fail", "idempotent": true, "expectDisconnect": true,
        });
        assert_eq!(said(all), [] as [&str; 0]);
        let Value::Object(least) = json!({"targets": ["all"], "command": "uptime"}) else { panic!("an object") };
        let least = decode_command(&least).unwrap();
        assert_eq!((least.max_parallel, least.timeout.to_string().as_str()), (50, "1h"));
    }

    #[test]
    fn what_a_step_refuses_is_refused_in_the_same_words() {
        let wrong = json!({
            "targets": ["role=web", 5], "timeout": 60, "maxParallel": 0, "onOffline": "wait", "env": {"PULSE_X": "", "A": 1}, "user": "Root",
            "comand": "uptime", "onUnknown": null,
        });
        assert_eq!(
            said(wrong),
            [
                " missing-field: this request has no `command` (add `command: …`)",
                "/targets/1 wrong-type: item 2 of `targets` must be text, but this is the number `5` (put it into quotes: \"5\")",
                "/timeout wrong-type: `timeout` must be a duration with its unit, but this is the number `60` (write `60s`, `60m` or `60h`)",
                "/maxParallel out-of-range: `maxParallel` must be between 1 and 10000, but this is 0 ()",
                "/onOffline bad-value: `onOffline` cannot be `wait` (say how long: `wait 10m`)",
                "/env/PULSE_X reserved-name: `PULSE_X`: names in PULSE_ are set by PULSE itself (choose another name)",
                "/env/A wrong-type: `A` must be text, but this is the number `1` (put it into quotes: \"1\")",
                "/user bad-value: `Root` is no name of a user (write a name such as `postgres`: at most 32 lower-case letters, digits, `_`, `.` and `-`; it is fixed when the commit is checked)",
                "/comand unknown-field: this request has no field `comand` (did you mean `command`?)",
                "/onUnknown wrong-type: `onUnknown` has no value; one of `wait` and `fail` is wanted (give it a value, or leave the field out)",
            ]
        );
    }

    #[test]
    fn what_needs_a_commit_or_a_step_before_has_no_place() {
        let wrong =
            json!({"targets": {"from": "a", "result": "failed"}, "script": {"file": "a.sh"}, "files": ["b"], "argv": ["ls"]});
        let mend = "a command by itself has no commit whose files it could take; write a Workflow with this as its step";
        assert_eq!(
            said(wrong),
            [
                " missing-field: this request has no `command` (add `command: …`)".to_owned(),
                "/targets bad-value: a command by itself comes after no step whose targets it could take (name its targets in a list, or write the steps as a Workflow)".to_owned(),
                format!("/script unknown-field: this request has no field `script` ({mend})"),
                format!("/files unknown-field: this request has no field `files` ({mend})"),
                "/argv unknown-field: this request has no field `argv` (write `shell: [program, argument, …]`; the command is its last argument)".to_owned(),
            ]
        );
        assert_eq!(said(json!({})).len(), 2);
    }
}
