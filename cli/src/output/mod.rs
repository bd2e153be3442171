//! How things look: data on stdout, messages on stderr, and nothing that a server or a command wrote can move the cursor.

pub mod escape;
pub mod snippet;
pub mod style;
pub mod table;
pub mod when;

use crate::failure::Failure;
use serde_json::Value;
use std::io::Write;

/// What `-o` takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// More columns.
    Wide,
    /// What the API said, as JSON.
    Json,
    /// What the API said, as YAML.
    Yaml,
    /// One name per line.
    Name,
}

/// Writes data to stdout, with a newline at its end.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

/// Writes a message to stderr; when that fails there is nowhere left to say so.
pub fn message(text: &str) {
    let lines: Vec<String> = text.split('\n').map(escape::visible).collect();
    let _ = writeln!(std::io::stderr().lock(), "{}", lines.join("\n"));
}

/// A value as JSON for scripts.
pub fn json(value: &Value) -> String {
    format!("{value:#}")
}

/// A value as YAML.
pub fn yaml(value: &Value) -> Result<String, Failure> {
    serde_saphyr::to_string(value).map_err(|error| Failure::new(format!("cannot write this as YAML: {error}")))
}
