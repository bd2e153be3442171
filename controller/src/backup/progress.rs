//! How far it is, for whoever looks on at a terminal. Elsewhere nothing is said until the end.

use std::io::{IsTerminal, Write};
use std::time::Duration;
use tokio::time::Instant;

const BETWEEN: Duration = Duration::from_millis(200);

/// Rows so far.
pub(super) struct Progress {
    verb: &'static str,
    rows: u64,
    table: String,
    said: Option<Instant>,
    is_seen: bool,
}

impl Progress {
    pub(super) fn new(verb: &'static str) -> Self {
        Self { verb, rows: 0, table: String::new(), said: None, is_seen: std::io::stderr().is_terminal() }
    }

    pub(super) fn table(&mut self, name: &str) {
        name.clone_into(&mut self.table);
    }

    pub(super) fn row(&mut self) {
        self.rows += 1;
        if self.is_seen && self.said.is_none_or(|said| said.elapsed() > BETWEEN) {
            self.said = Some(Instant::now());
            eprint!("\r\u{1b}[K{} {} rows … {}", self.verb, self.rows, self.table);
            // Whoever looks on may have gone.
            let _ = std::io::stderr().flush();
        }
    }

    pub(super) fn done(&self) {
        if self.said.is_some() {
            eprint!("\r\u{1b}[K");
        }
    }
}
