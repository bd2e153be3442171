//! What the API says of executions, as far as `pulse` looks at it. Fields that a newer server adds are passed over.

mod attempt;
mod prompt;
mod reason;

pub use attempt::{Attempt, Stream, Target};
pub use prompt::{Evidence, Group, Prompt, StepPrompt, Tail};
pub use reason::Reason;

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
    /// The selector that narrows its steps.
    #[serde(default)]
    pub limit: Option<String>,
    /// The execution that it repeats.
    #[serde(default)]
    pub retry_of: Option<String>,
    /// Executions of the workflow with the same key exclude each other.
    #[serde(default)]
    pub concurrency_key: Option<String>,
    /// For what it waits, while it is `waiting`.
    #[serde(default)]
    pub waits: Option<Waits>,
    /// What `parse` steps have read.
    #[serde(default)]
    pub state: Value,
    /// Its steps, in the order in which they began; lists leave them out.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What holds it; lists leave it out.
    #[serde(default)]
    pub reasons: Vec<Reason>,
}

/// What a `waiting` execution is held by.
#[derive(Debug, Clone, Deserialize)]
pub struct Waits {
    /// `person`, `timer`, `queue`, `pause` or `unknown`.
    #[serde(rename = "for")]
    pub reason: String,
    /// Since when.
    #[serde(default)]
    pub since: Option<Timestamp>,
}

/// One visit of a step.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its id.
    pub id: String,
    /// `execute`, `prompt`, `wait`, `parse` or `route`.
    #[serde(rename = "type", default)]
    pub kind: String,
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
    /// The question of a `prompt` step.
    #[serde(default)]
    pub prompt: Option<StepPrompt>,
    /// The answer; without the question where it was taken over.
    #[serde(default)]
    pub answer: Option<String>,
    /// The end of a `wait` step.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// What a `parse` step has read; null for any other.
    #[serde(default)]
    pub parsed: Value,
    /// What a `route` step has chosen.
    #[serde(default)]
    pub route: Option<Route>,
    /// It was taken over from the execution that this one repeats.
    #[serde(default)]
    pub carried: bool,
}

/// What a `route` step has chosen.
#[derive(Debug, Clone, Deserialize)]
pub struct Route {
    /// The route's place, from 0; none where no route held, or where it was taken over.
    #[serde(default)]
    pub place: Option<u32>,
    /// Its label.
    #[serde(default)]
    pub label: Option<String>,
    /// The step that follows, or `end`; none for the next one.
    #[serde(default)]
    pub goto: Option<String>,
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

    /// The questions that wait for an answer, with their steps.
    pub fn open_prompts(&self) -> impl Iterator<Item = (&Step, &StepPrompt)> {
        let open = self.steps.iter().filter(|step| !step.is_over() && step.status != "pending");
        open.filter_map(|step| Some((step, step.prompt.as_ref().filter(|prompt| prompt.closed_at.is_none())?)))
    }

    /// For what it waits: `person`, `timer`, `queue`, `pause` or `unknown`.
    pub fn waits_for(&self) -> Option<&str> {
        self.waits.as_ref().map(|waits| waits.reason.as_str())
    }

    /// What a person does about what holds it.
    pub fn mend(&self) -> Vec<String> {
        let unknown = self.unknown().map(|(step, target, attempt)| {
            format!(
                "step {} on {}: nobody knows what became of the command. Look at {}, then: pulse resolve '{}' {} succeeded|failed --reason …",
                step.id, target.agent, target.agent, self.name, attempt.id
            )
        });
        let asked = self.open_prompts().map(|(_, prompt)| prompt.mend());
        let again = (self.status == "failed").then(|| self.again());
        unknown.chain(asked).chain(self.reasons.iter().filter_map(Reason::mend)).chain(again).collect()
    }

    /// How to run it again once it has failed.
    pub fn again(&self) -> String {
        format!("to run it again from the step that failed: pulse retry '{}'", self.name)
    }
}

impl Step {
    /// It has ended.
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "succeeded" | "failed" | "skipped" | "cancelled" | "unknown")
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

/// The texts of a list at a JSON pointer, with something between them.
pub fn listed(value: &Value, pointer: &str, between: &str) -> String {
    let texts = value.pointer(pointer).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    texts.collect::<Vec<_>>().join(between)
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
