//! What the API says of questions to people: within an execution, in the list, and with what was seen before they were asked.

use jiff::Timestamp;
use serde::Deserialize;

/// The question of a step, as an execution shows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepPrompt {
    /// Its id.
    pub id: String,
    /// What is asked; may have several lines.
    pub message: String,
    /// What can be answered.
    #[serde(default)]
    pub options: Vec<String>,
    /// How long an answer is waited for.
    #[serde(default)]
    pub timeout: Option<String>,
    /// When it was asked.
    #[serde(default)]
    pub opened_at: Option<Timestamp>,
    /// The answer.
    #[serde(default)]
    pub answer: Option<String>,
    /// Who answered; nobody where time ran out.
    #[serde(default)]
    pub answered_by: Option<String>,
    /// What they said of it.
    #[serde(default)]
    pub comment: Option<String>,
    /// When it was answered, or its time ran out.
    #[serde(default)]
    pub closed_at: Option<Timestamp>,
}

impl StepPrompt {
    /// How to answer from another shell.
    pub fn mend(&self) -> String {
        format!("to answer: pulse answer {} {}", self.id, crate::prompts::choices(&self.options))
    }
}

/// One item of `/prompts`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prompt {
    /// The question, and what came of it.
    #[serde(flatten)]
    pub asked: StepPrompt,
    /// The execution's name, `workflow#number`.
    #[serde(default)]
    pub name: String,
    /// The execution's id.
    #[serde(default)]
    pub execution: String,
    /// The source of its workflow.
    #[serde(default)]
    pub source: String,
    /// The step.
    #[serde(default)]
    pub step: String,
    /// From 1.
    #[serde(default)]
    pub visit: u32,
    /// When time runs out; it moves on while no controller runs.
    #[serde(default)]
    pub deadline: Option<Timestamp>,
    /// `open`, `answered`, `expired` or `withdrawn`.
    #[serde(default)]
    pub status: String,
    /// The agents that the execution's selections name; lists leave them out.
    #[serde(default)]
    pub targets: Vec<String>,
    /// What the last commands wrote; lists leave it out.
    #[serde(default)]
    pub evidence: Option<Evidence>,
}

/// What the step before wrote on its targets, equal ones together.
#[derive(Debug, Clone, Deserialize)]
pub struct Evidence {
    /// The step.
    pub step: String,
    /// Its visit, from 1.
    #[serde(default)]
    pub visit: u32,
    /// How it ended.
    #[serde(default)]
    pub status: String,
    /// The largest first.
    #[serde(default)]
    pub groups: Vec<Group>,
}

/// Agents on which the same came out.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The agents.
    #[serde(default)]
    pub agents: Vec<String>,
    /// How the target ended.
    #[serde(default)]
    pub status: String,
    /// How the command ended, where it did.
    #[serde(default)]
    pub exit_code: Option<i64>,
    /// What it wrote.
    #[serde(default)]
    pub stdout: Option<Tail>,
    /// What it complained.
    #[serde(default)]
    pub stderr: Option<Tail>,
}

/// The end of a stream.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Tail {
    /// All bytes that were written.
    #[serde(default)]
    pub bytes: u64,
    /// The last of them as text; empty for the groups beyond those whose output the server shows.
    #[serde(default)]
    pub tail: String,
    /// The last of them have arrived; output may still be on its way when its command has ended.
    #[serde(default)]
    pub complete: bool,
}
