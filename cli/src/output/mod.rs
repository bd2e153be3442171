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

/// Writes what stands before the cursor while a person types.
pub fn cue(text: &str) {
    let mut to = std::io::stderr().lock();
    let _ = to.write_all(escape::visible(text).as_bytes()).and_then(|()| to.flush());
}

/// A word that a POSIX shell takes as it is.
pub fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// A value as JSON for scripts. Control characters beyond ASCII can stand in strings only, where an escape means the same.
pub fn json(value: &Value) -> String {
    let text = format!("{value:#}");
    if !text.chars().any(is_hidden) {
        return text;
    }
    text.chars()
        .map(|character| if is_hidden(character) { format!("\\u{:04x}", u32::from(character)) } else { character.into() })
        .collect()
}

/// A control character that serde_json leaves as it is.
fn is_hidden(character: char) -> bool {
    character.is_control() && character != '\n'
}

/// A value as YAML.
pub fn yaml(value: &Value) -> Result<String, Failure> {
    serde_saphyr::to_string(value).map_err(|error| Failure::new(format!("cannot write this as YAML: {error}")))
}

#[cfg(test)]
mod tests {
    use super::{json, yaml};
    use serde_json::{Value, json};

    #[test]
    fn documents_hold_no_control_characters_and_lose_nothing() {
        let value = json!({"a": "x\u{1b}[2J\u{9b}2J\u{7f}\ny", "b": [1, null]});
        let text = json(&value);
        assert!(text.contains("\\u001b[2J\\u009b2J\\u007f\\ny"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        let text = yaml(&value).unwrap();
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{7f}']), "{text:?}");
        assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), value);
    }
}
