//! The settings' file: YAML, one flat map of keys to values.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;
use std::path::Path;

/// Most bytes of the file.
const MAX_BYTES: u64 = 1024 * 1024;

/// One key with its value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) text: String,
    pub(super) line: u64,
    pub(super) column: u64,
}

/// Reads the file; an error names it, and line and column where there is one.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, String> {
    let blame = |error: std::io::Error| format!("the settings' file {} cannot be read: {error}", path.display());
    let size = std::fs::metadata(path).map_err(blame)?.len();
    if size > MAX_BYTES {
        return Err(format!("the settings' file {} has {size} bytes; at most {MAX_BYTES} are read", path.display()));
    }
    let text = std::fs::read_to_string(path).map_err(blame)?;
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Vec::new());
    }
    parse(&text).map_err(|(line, column, message)| format!("{}:{line}:{column}: {message}", path.display()))
}

fn parse(text: &str) -> Result<Vec<Entry>, (u64, u64, String)> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false, emit_comments: false };
    let entries = serde_saphyr::from_str_with_options::<Entries>(text, options).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or(&said);
        (line, column, said.strip_prefix("error: ").unwrap_or(said).to_owned())
    })?;
    Ok(entries.0)
}

struct Entries(Vec<Entry>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of settings, such as `listen: 127.0.0.1:8080`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some((key, text)) = map.next_entry::<Spanned<String>, String>()? {
                    let (line, column) = (key.referenced.line(), key.referenced.column());
                    entries.push(Entry { key: key.value, text, line, column });
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_any(Map)
    }
}
