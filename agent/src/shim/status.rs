//! What the shim says to the agent that started it, one line of JSON each on stdout. Only a quicker way to what the attempt's
//! folder tells anyway: an agent that is gone loses nothing.

use pulse_protocol::Ended;
use serde::{Deserialize, Serialize};
use std::io::Write;

/// What goes into a pipe in one piece (PIPE_BUF, pipe(7)).
const SHORT: usize = 4096;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The command runs.
    Started {
        /// Its process id.
        pid: i32,
    },
    /// It is over, as the exit record says; how, where that is short.
    Ended(Option<Box<Ended>>),
    /// Nothing of the command is left, and this shim waits for another one.
    Ready,
    /// This shim starts nothing.
    Refused {
        /// Why.
        reason: String,
    },
    /// Something people should see in the agent's log.
    Note {
        /// What.
        text: String,
    },
}

/// Says a line; a broken pipe means only that the agent is gone.
pub fn say(said: &Said) {
    drop(std::io::stdout().write_all(line(said).as_bytes()));
}

/// Says how the command ended. What is long stands in the record alone: a pipe that fills would hold the shim up where its agent stands still.
pub fn say_ended(ended: Ended) {
    let whole = line(&Said::Ended(Some(Box::new(ended))));
    let said = if whole.len() <= SHORT { whole } else { line(&Said::Ended(None)) };
    drop(std::io::stdout().write_all(said.as_bytes()));
}

/// As it goes over the pipe.
pub fn line(said: &Said) -> String {
    serde_json::to_string(said).map(|line| format!("{line}\n")).unwrap_or_default()
}
