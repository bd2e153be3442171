//! What the API says of a step's targets, and of the commands that were run on them.

use jiff::Timestamp;
use serde::Deserialize;

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
    /// Of everything that was written; known once the attempt has ended.
    #[serde(default)]
    pub sha256: Option<String>,
}
