//! Files that travel with a command and lie in its work folder when it starts.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most bytes of one file.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// Most bytes of all files of one command.
pub const MAX_FILES_BYTES: usize = 4 << 20;
/// Most files of one command: 64 beside its script.
pub const MAX_FILES: usize = 65;
/// Longest path, bytes.
pub const MAX_PATH_BYTES: usize = 512;
/// Longest part of a path, bytes.
const MAX_PART_BYTES: usize = 255;

/// One file for the work folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkFile {
    /// Where it lies, relative to the work folder; [`is_inside`] holds.
    pub path: String,
    /// It can be executed.
    #[serde(default)]
    pub executable: bool,
    /// What it holds, at most [`MAX_FILE_BYTES`]; base64 in JSON. Shared, because every target's command has the same.
    #[serde(with = "crate::frame::shared_base64")]
    pub content: Arc<Vec<u8>>,
}

/// A file of a command's [`WorkFile`]s that is run in place of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScriptFile {
    /// Its path among the files.
    pub path: String,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
}

/// Whether a path leads to a place inside of a folder, whatever the folder: relative, parts between `/`, none of them empty, `.`,
/// `..` or longer than 255 bytes, no NUL, at most [`MAX_PATH_BYTES`].
pub fn is_inside(path: &str) -> bool {
    let part = |part: &str| (1..=MAX_PART_BYTES).contains(&part.len()) && part != "." && part != "..";
    path.len() <= MAX_PATH_BYTES && !path.contains('\0') && path.split('/').all(part)
}
