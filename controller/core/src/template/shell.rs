//! Compiles a command for a shell.

use super::items::{Item, Items};
use super::{ShellKind, TemplateError};
use crate::values::Path;

/// The script, and the environment variables that it refers to.
pub(super) fn compile(items: &Items, _shell: ShellKind) -> Result<(String, Vec<(String, Path)>), Vec<TemplateError>> {
    let mut text = String::new();
    let mut errors = Vec::new();
    for item in &items.0 {
        match item {
            Item::Text { text: piece, .. } => text.push_str(piece),
            Item::Value { path, offset, length } => errors.push(TemplateError::new(
                *offset,
                *length,
                format!("`{path}` cannot stand in a command"),
                "give it to the command by `env`",
            )),
        }
    }
    if errors.is_empty() { Ok((text, Vec::new())) } else { Err(errors) }
}
