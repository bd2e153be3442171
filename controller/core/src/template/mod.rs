//! `{{ … }}`: a dotted path in a command, an environment value or a message.
//!
//! ```text
//! text ─▶ items ─┬─▶ text:  pieces, joined with the values when rendered
//!                └─▶ shell: references to environment variables, where a shell leaves their values alone
//! ```
//!
//! In a command a value never becomes shell text: the compiled script is fixed when the commit is checked, and the values
//! travel beside it as environment variables. `{{ "text" }}` stands for the text between the quotes, so `{{ "{{" }}` writes
//! two braces. What a value holds is never looked at: `{{` in it stays as it is.

mod error;
mod items;
mod shell;

pub use error::TemplateError;
pub(crate) use shell::evaluated_by_shells;

use crate::values::{Context, MAX_VALUE_BYTES, MissingValue, Path, Scope};
use items::{Item, Items};
use std::collections::{BTreeMap, BTreeSet};

/// The most that all values of one command may come to, in bytes.
pub const MAX_VALUES_BYTES: usize = 512 * 1024;

/// Which program reads a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellKind {
    /// `/bin/sh`: dash, busybox, or bash under that name. What any of them would parse is refused.
    Posix,
    /// `bash`.
    Bash,
    /// Any other program: nothing is known of how it reads its text, so no value may stand in it.
    Argv,
}

/// A compiled text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// For a shell: the script to run. For a text without values: the text.
    pub text: String,
    /// For a shell: the environment variables that the script refers to.
    pub bindings: Vec<(String, Path)>,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Path),
}

impl Template {
    /// Compiles a command. Every refusal has its own error, with the mend.
    pub fn compile_shell(text: &str, shell: ShellKind, scope: &Scope) -> Result<Self, Vec<TemplateError>> {
        let (items, mut errors) = Items::parse(text, scope);
        match shell::compile(&items, shell) {
            Ok((text, bindings)) if errors.is_empty() => return Ok(Self { text, bindings, pieces: Vec::new() }),
            Ok(_) => {}
            // One error for each item is enough.
            Err(places) => {
                let known: Vec<usize> = errors.iter().map(|error| error.offset).collect();
                errors.extend(places.into_iter().filter(|error| !known.contains(&error.offset)));
            }
        }
        errors.sort_by_key(|error| error.offset);
        Err(errors)
    }

    /// Compiles an environment value or a message: values are joined in as plain text.
    pub fn compile_text(text: &str, scope: &Scope) -> Result<Self, Vec<TemplateError>> {
        let (items, errors) = Items::parse(text, scope);
        if !errors.is_empty() {
            return Err(errors);
        }
        let pieces: Vec<Piece> = items.into_iter().map(Piece::from).collect();
        let text = pieces.iter().map(|piece| if let Piece::Text(text) = piece { text } else { "" }).collect();
        Ok(Self { text, bindings: Vec::new(), pieces })
    }

    /// The text with its values. A compiled command has none in it: it is the script as it stands.
    pub fn render(&self, context: &Context) -> Result<String, MissingValue> {
        if self.pieces.is_empty() {
            return Ok(self.text.clone());
        }
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Value(path) => text.push_str(&context.lookup(path)?),
            }
            if text.len() > MAX_VALUES_BYTES {
                return Err(too_much(piece, text.len()));
            }
        }
        Ok(text)
    }

    /// The environment variables that a compiled command refers to, with their values.
    pub fn environment(&self, context: &Context) -> Result<BTreeMap<String, String>, MissingValue> {
        let mut environment = BTreeMap::new();
        let mut bytes = 0;
        for (name, path) in &self.bindings {
            let value = context.lookup(path)?;
            bytes += value.len();
            if bytes > MAX_VALUES_BYTES {
                return Err(too_much(&Piece::Value(path.clone()), bytes));
            }
            environment.insert(name.clone(), value);
        }
        Ok(environment)
    }

    /// Some of it is known only when it runs.
    pub fn has_values(&self) -> bool {
        !self.bindings.is_empty() || self.pieces.iter().any(|piece| matches!(piece, Piece::Value(_)))
    }

    /// Ids of the steps whose stdout it uses.
    pub fn stdout_of(&self) -> BTreeSet<String> {
        let pieces = self.pieces.iter().filter_map(|piece| if let Piece::Value(path) = piece { Some(path) } else { None });
        let paths = self.bindings.iter().map(|(_, path)| path).chain(pieces);
        paths.filter_map(|path| path.stdout_of().map(str::to_owned)).collect()
    }
}

fn too_much(piece: &Piece, bytes: usize) -> MissingValue {
    let path = if let Piece::Value(path) = piece { path.to_string() } else { "{{ … }}".to_owned() };
    let (most, each) = (MAX_VALUES_BYTES / 1024, MAX_VALUE_BYTES / 1024);
    MissingValue { path, reason: format!("all values together are over {bytes} bytes; at most {most} KiB ({each} KiB each)") }
}

impl From<Item> for Piece {
    fn from(item: Item) -> Self {
        match item {
            Item::Text { text, .. } => Self::Text(text),
            Item::Value { path, .. } => Self::Value(path),
        }
    }
}

#[cfg(test)]
mod tests;
