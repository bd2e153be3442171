//! The controller's picture: which attempts an agent shall have, and what to do with each.

use crate::files::{ScriptFile, WorkFile};
use crate::ids::{AttemptId, ExecutionId, Incarnation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the controller wants of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Desired {
    /// Run it, unless it was ever started.
    Run,
    /// End its process group (TERM, grace, KILL); if it never started, never start it.
    Stop,
    /// If it never started, never start it; if it did, let it run.
    Withdraw,
}

/// One attempt that is assigned to an agent, bound to the journal incarnation it was committed for. An agent whose journal
/// has another incarnation refuses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assignment {
    /// The attempt; its command is started at most once.
    pub attempt: AttemptId,
    /// The execution it belongs to.
    pub execution: ExecutionId,
    /// The journal that may run it.
    pub incarnation: Incarnation,
    /// Run or stop.
    pub desired: Desired,
    /// What to run. Only an attempt that the agent has not confirmed yet comes with it. An agent that does not know an attempt
    /// it is to go on running (`run` without a command) has lost its journal's word on it, and says `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandSpec>,
}

/// What to run and how. Values stand in `env`, and in the arguments of a script file whose author put them there; never in `argv`
/// and never in a text for a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommandSpec {
    /// Program and arguments before the script text, such as `["/bin/sh", "-e", "-c"]`, or before the script file's path; empty
    /// where that file is executed as it is.
    pub argv: Vec<String>,
    /// The script text, given as the last argument; empty where there is a script file. Over 64 KiB it is written to a file, whose
    /// path is given instead, and the argument `-c` before it is dropped.
    pub script: String,
    /// The script file, in place of the script text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script_file: Option<ScriptFile>,
    /// Files that lie in the work folder before anything starts, the script file among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<WorkFile>,
    /// The whole environment beside what the agent adds (`PATH`, `HOME`, `LANG`, `PULSE_WORKDIR`).
    pub env: BTreeMap<String, String>,
    /// Working folder; the attempt's private one unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Whom the command is to be; the agent's own user unless said. The agent asks a file of its host whether it may, and an older agent leaves
    /// such an assignment lying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Milliseconds from the start, on the agent's monotonic clock.
    pub timeout_ms: u64,
    /// Milliseconds between TERM and KILL.
    pub kill_grace_ms: u64,
    /// Send up to 64 KiB of stdout with the end, because a later step refers to it.
    #[serde(default)]
    pub capture_stdout: bool,
}

impl CommandSpec {
    /// Bytes of all files.
    pub fn files_bytes(&self) -> usize {
        self.files.iter().map(|file| file.content.len()).sum()
    }
}

/// How far the controller has stored an attempt's output, in bytes from the stream's beginning. The agent goes on from there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutputOffsets {
    /// stdout, bytes.
    pub stdout: u64,
    /// stderr, bytes.
    pub stderr: u64,
}
