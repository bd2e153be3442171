//! What is wrong with a manifest: where, a stable code, a sentence, and where it helps a mend.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Does a problem refuse the commit?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The commit is refused.
    Error,
    /// The commit is applied; people should look.
    Warning,
}

/// One problem of one file. The same shape in CLI, API, sync history and editor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ManifestProblem")]
pub struct Problem {
    /// Path of the file within its repository, `/` between parts; on the command line as it lies from there.
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

impl Problem {
    /// An error of a file as a whole, such as one that is not read at all. It stands at the file's first character.
    pub fn of_file(file: impl Into<String>, code: &str, message: impl Into<String>, help: &str) -> Self {
        Self {
            file: file.into(),
            line: 1,
            column: 1,
            end_line: 1,
            end_column: 1,
            severity: Severity::Error,
            code: code.to_owned(),
            message: message.into(),
            help: Some(help.to_owned()),
            pointer: String::new(),
        }
    }
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

/// The codes of problems that this crate finds. The checks of the core have their own; docs/problems.md lists all.
pub mod code {
    /// A file of more than 1 MiB.
    pub const FILE_TOO_LARGE: &str = "file-too-large";
    /// Bytes that are no UTF-8.
    pub const NOT_UTF8: &str = "not-utf8";
    /// A NUL character, written or escaped.
    pub const NUL: &str = "nul-character";
    /// No YAML.
    pub const YAML_SYNTAX: &str = "yaml-syntax";
    /// YAML too deep, too large or with too many aliases.
    pub const TOO_COMPLEX: &str = "too-complex";
    /// A YAML tag such as `!x`.
    pub const YAML_TAG: &str = "yaml-tag";
    /// `<<`.
    pub const MERGE_KEY: &str = "merge-key";
    /// A key given twice in one map.
    pub const DUPLICATE_KEY: &str = "duplicate-key";
    /// A document that is no map.
    pub const NOT_A_MANIFEST: &str = "not-a-manifest";
    /// An `apiVersion` other than `pulse.dev/v1`.
    pub const UNKNOWN_API_VERSION: &str = "unknown-api-version";
    /// A `kind` that does not exist.
    pub const UNKNOWN_KIND: &str = "unknown-kind";
    /// A step type that does not exist.
    pub const UNKNOWN_STEP_TYPE: &str = "unknown-step-type";
    /// A place names a step that the workflow does not have.
    pub const UNKNOWN_STEP: &str = "unknown-step";
    /// A field that does not exist.
    pub const UNKNOWN_FIELD: &str = "unknown-field";
    /// A field that must be there.
    pub const MISSING_FIELD: &str = "missing-field";
    /// A value of another type.
    pub const WRONG_TYPE: &str = "wrong-type";
    /// A value that is none of those allowed, or malformed.
    pub const BAD_VALUE: &str = "bad-value";
    /// A name that breaks the rule for names.
    pub const BAD_NAME: &str = "bad-name";
    /// A name with a meaning of its own.
    pub const RESERVED_NAME: &str = "reserved-name";
    /// A text that is no duration.
    pub const BAD_DURATION: &str = "bad-duration";
    /// A number, a duration or a list's length outside its bounds.
    pub const OUT_OF_RANGE: &str = "out-of-range";
    /// A text, list or map that must not be empty.
    pub const EMPTY: &str = "empty";
    /// Two steps, parameters or items of one manifest with the same name.
    pub const DUPLICATE_NAME: &str = "duplicate-name";
    /// Two files of a step at one place of its work folder.
    pub const DUPLICATE_FILE: &str = "duplicate-file";
    /// Two fields that exclude each other.
    pub const CONFLICTING_FIELDS: &str = "conflicting-fields";
    /// A selector that YAML reads as two targets.
    pub const AMBIGUOUS_SELECTOR: &str = "ambiguous-selector";
    /// What the design has and this release does not run.
    pub const UNSUPPORTED: &str = "unsupported";
    /// More problems than are listed.
    pub const TOO_MANY_PROBLEMS: &str = "too-many-problems";

    /// Every code above.
    pub const ALL: [&str; 28] = [
        FILE_TOO_LARGE,
        NOT_UTF8,
        NUL,
        YAML_SYNTAX,
        TOO_COMPLEX,
        YAML_TAG,
        MERGE_KEY,
        DUPLICATE_KEY,
        NOT_A_MANIFEST,
        UNKNOWN_API_VERSION,
        UNKNOWN_KIND,
        UNKNOWN_STEP_TYPE,
        UNKNOWN_STEP,
        UNKNOWN_FIELD,
        MISSING_FIELD,
        WRONG_TYPE,
        BAD_VALUE,
        BAD_NAME,
        RESERVED_NAME,
        BAD_DURATION,
        OUT_OF_RANGE,
        EMPTY,
        DUPLICATE_NAME,
        DUPLICATE_FILE,
        CONFLICTING_FIELDS,
        AMBIGUOUS_SELECTOR,
        UNSUPPORTED,
        TOO_MANY_PROBLEMS,
    ];
}
