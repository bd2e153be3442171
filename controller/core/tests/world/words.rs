//! Events and effects in one line each, as scripts show them.

use pulse_core::decide::Effect;
use pulse_core::execution::EventRecord;
use pulse_protocol::{Desired, WorkFile};
use std::fmt::Write;

/// An event in one line.
pub fn describe(record: &EventRecord) -> String {
    let value = serde_json::to_value(&record.event).expect("an event is JSON");
    let serde_json::Value::Object(fields) = value else { panic!("an event is an object") };
    let kind = fields.get("type").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned();
    let shown = fields.iter().filter(|(name, value)| {
        !matches!(name.as_str(), "type" | "visit" | "incarnation" | "slot" | "pid" | "by" | "reason" | "boot" | "prompt")
            && !value.is_null()
    });
    let mut text = format!("{:>2} {kind}", record.seq);
    for (name, value) in shown {
        let value = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Object(map) if name == "ended" => ended_text(map),
            serde_json::Value::Object(map) if name == "values" => values_text(map),
            serde_json::Value::Object(map) => map.values().map(plain).collect::<Vec<_>>().join(" "),
            serde_json::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        };
        let _ = write!(text, " {name}={value}");
    }
    text
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn values_text(map: &serde_json::Map<String, serde_json::Value>) -> String {
    let entry = |(name, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::Object(inner) => format!("{name}({})", values_text(inner)),
        value => format!("{name}:{}", plain(value)),
    };
    map.iter().map(entry).collect::<Vec<_>>().join(",")
}

fn ended_text(map: &serde_json::Map<String, serde_json::Value>) -> String {
    let how = map.get("how").and_then(|how| how.as_object());
    how.map(|how| how.values().map(plain).collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

fn file_text(file: &WorkFile) -> String {
    let star = if file.executable { "*" } else { "" };
    format!(" {}{star}={:?}", file.path, String::from_utf8_lossy(&file.content))
}

/// An effect in one line.
pub fn effect_text(effect: &Effect) -> String {
    match effect {
        Effect::Assign { agent, assignment } => {
            assert_eq!(assignment.desired, Desired::Run);
            let command = assignment.command.as_ref().expect("a command to run");
            let values =
                command.env.iter().filter(|(name, _)| name.starts_with("PULSE_PARAM_") || name.starts_with("PULSE_VALUE_"));
            let values: Vec<String> = values.map(|(name, value)| format!(" {name}={value}")).collect();
            let files: Vec<String> = command.files.iter().map(file_text).collect();
            let run = match &command.script_file {
                None => command.script.clone(),
                Some(script) => format!("{:?} {} {:?}", command.argv, script.path, script.args),
            };
            format!("-> {agent} run: {run}{}{}", values.join(""), files.join(""))
        }
        Effect::Stop { agent, .. } => format!("-> {agent} stop"),
        Effect::Withdraw { agent, .. } => format!("-> {agent} withdraw"),
    }
}
