//! What the API says of executions, as far as `pulse` looks at it. Fields that a newer server adds are passed over.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// An execution with its steps.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Its id.
    pub id: String,
    /// `workflow#number`.
    pub name: String,
    /// Its workflow.
    pub workflow: String,
    /// The workflow's source.
    #[serde(default)]
    pub source: String,
    /// `pending`, `running`, `waiting`, `succeeded`, `failed`, `cancelled`.
    pub status: String,
    /// The commit it is pinned to.
    #[serde(default)]
    pub commit: String,
    /// Its parameters.
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
    /// Who started it.
    #[serde(default)]
    pub started_by: String,
    /// When it was accepted.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// When it began.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// What to say of it in one line.
    #[serde(default)]
    pub message: Option<String>,
    /// Its steps, in the order in which they began; lists leave them out.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What holds it; lists leave it out.
    #[serde(default)]
    pub reasons: Vec<Reason>,
}

/// One visit of a step.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its id.
    pub id: String,
    /// From 1.
    #[serde(default)]
    pub visit: u32,
    /// Its state.
    pub status: String,
    /// The recorded result of `when`.
    #[serde(default)]
    pub condition: Option<bool>,
    /// Why it ended as it did.
    #[serde(default)]
    pub message: Option<String>,
    /// Its targets.
    #[serde(default)]
    pub targets: Vec<Target>,
}

/// One target of a step.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The agent.
    pub agent: String,
    /// Where it stands.
    pub status: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// Every attempt.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
}

/// One attempt.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Its id.
    pub id: String,
    /// From 1.
    #[serde(rename = "try", default)]
    pub number: u32,
    /// Its state.
    pub state: String,
    /// How the command ended.
    #[serde(default)]
    pub exit_code: Option<i64>,
    /// The signal that ended the command.
    #[serde(default)]
    pub signal: Option<i64>,
    /// Why it did not start, or why nobody knows.
    #[serde(default)]
    pub reason: Option<String>,
    /// When it began.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// How long it ran.
    #[serde(default)]
    pub duration_ms: Option<i64>,
    /// What it wrote.
    #[serde(default)]
    pub stdout: Option<Stream>,
    /// What it complained.
    #[serde(default)]
    pub stderr: Option<Stream>,
}

/// One stream of an attempt.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Stream {
    /// All bytes that were written, kept or not.
    #[serde(default)]
    pub bytes: u64,
}

/// Why an execution stands where it stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// Its kind.
    #[serde(default)]
    pub code: String,
    /// The sentence.
    #[serde(default)]
    pub message: String,
}

impl Execution {
    /// The attempts of which nobody knows, with step and agent.
    pub fn unknown(&self) -> impl Iterator<Item = (&Step, &Target, &Attempt)> {
        self.attempts().filter(|(_, _, attempt)| attempt.state == "unknown")
    }

    /// Every attempt with its step and target.
    pub fn attempts(&self) -> impl Iterator<Item = (&Step, &Target, &Attempt)> {
        self.steps.iter().flat_map(|step| {
            step.targets.iter().flat_map(move |target| target.attempts.iter().map(move |attempt| (step, target, attempt)))
        })
    }

    /// What a person does about it while it waits.
    pub fn mend(&self) -> Vec<String> {
        self.unknown()
            .map(|(step, target, attempt)| {
                format!(
                    "step {} on {}: nobody knows what became of the command. Look at {}, then: pulse resolve '{}' {} succeeded|failed --reason …",
                    step.id, target.agent, target.agent, self.name, attempt.id
                )
            })
            .collect()
    }
}

/// A text of a document at a JSON pointer, or nothing.
pub fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// A time of a document at a JSON pointer.
pub fn time(value: &Value, pointer: &str) -> Option<Timestamp> {
    value.pointer(pointer)?.as_str()?.parse().ok()
}

/// `a=b,c=d` of a map at a JSON pointer.
pub fn pairs(value: &Value, pointer: &str) -> String {
    let Some(map) = value.pointer(pointer).and_then(Value::as_object) else { return String::new() };
    let pair = |(key, value): (&String, &Value)| match value {
        Value::String(text) => format!("{key}={text}"),
        other => format!("{key}={other}"),
    };
    map.iter().map(pair).collect::<Vec<_>>().join(",")
}
