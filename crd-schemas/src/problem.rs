//! What is wrong with a manifest: where, a stable code, a sentence, and where it helps a mend.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Does a problem refuse the commit?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The commit is refused.
    Error,
    /// The commit is applied; people should look.
    Warning,
}

/// One problem of one file. The same shape in CLI, API, sync history and editor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Path of the file, relative to the source's root, `/` between parts.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Line of the end (exclusive column), from 1.
    pub end_line: u32,
    /// Column just after the end, from 1.
    pub end_column: u32,
    /// Error or warning.
    pub severity: Severity,
    /// Stable code in kebab case, such as `unknown-field` or `unsupported`; listed in docs/problems.md.
    pub code: String,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to write instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// RFC 6901 pointer into the document.
    pub pointer: String,
}

impl fmt::Display for Problem {
    /// `file:line:column: severity[code]: message (help)`, the form editors and terminals make into links.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}:{}:{}: {severity}[{}]: {}", self.file, self.line, self.column, self.code, self.message)?;
        if let Some(help) = &self.help { write!(f, " ({help})") } else { Ok(()) }
    }
}
