//! The settings' file: YAML, one flat map of keys to values.

use crate::layers::{Layer, Said, unsupported};
use crate::near::nearest;
use crate::place::Place;
use crate::program::Program;
use crate::setting::Kind;
use crate::tables;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;
use std::io::Read;
use std::path::Path;

/// Most bytes of the file.
const MAX_BYTES: u64 = 1024 * 1024;

/// What it says. Each error names the file, and line and column where there is one.
pub(crate) fn layer(program: &'static Program, path: &Path, errors: &mut Vec<String>) -> Layer {
    let entries = match read(path) {
        Ok(entries) => entries,
        Err(error) => {
            errors.push(error);
            return Layer::new();
        }
    };
    let mut layer = Layer::new();
    for Entry { key, text, line, column } in entries {
        let place = Place::File { path: path.to_owned(), line, column, key: key.clone() };
        match program.of_key(&key) {
            Some((setting, _)) if !setting.is_built() => errors.push(unsupported(&place)),
            Some((setting, is_file)) => layer.push(Said { setting, is_file, text, place }),
            None => errors.push(unknown(program, &key, &place)),
        }
    }
    layer
}

fn unknown(program: &Program, key: &str, place: &Place) -> String {
    let keys = program.keys();
    match nearest(key, &keys) {
        Some(meant) => format!("{place}: there is no such setting; did you mean `{meant}`?"),
        None => format!("{place}: there is no such setting; there are {}", keys.join(", ")),
    }
}

/// One key with its value and its place.
struct Entry {
    key: String,
    text: String,
    line: u64,
    column: u64,
}

fn read(path: &Path) -> Result<Vec<Entry>, String> {
    let blame = |error: std::io::Error| format!("the settings' file {} cannot be read: {error}", path.display());
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(blame)?;
    let bytes = file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(blame)?;
    if bytes as u64 > MAX_BYTES {
        return Err(format!("the settings' file {} has more than {MAX_BYTES} bytes", path.display()));
    }
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
                f.write_str("a map of settings, such as `log: info`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key::<Spanned<String>>()? {
                    let text = match tables::kind_of(&key.value) {
                        Some(Kind::Map | Kind::List(_)) => map.next_value::<Several>()?.0,
                        Some(_) => map.next_value::<String>()?,
                        None => map.next_value::<IgnoredAny>().map(|_| String::new())?,
                    };
                    entries.push(Entry { text, line: key.referenced.line(), column: key.referenced.column(), key: key.value });
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_any(Map)
    }
}

/// Several values, written in one text with commas between, as a list, or as a map.
struct Several(String);

impl<'de> Deserialize<'de> for Several {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Several;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("texts: with commas between, as a list, or as a map where there are pairs")
            }
            fn visit_str<E>(self, text: &str) -> Result<Several, E> {
                Ok(Several(text.to_owned()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Several, E> {
                Ok(Several(number.to_string()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Several, E> {
                Ok(Several(number.to_string()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Several, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element::<String>()? {
                    all.push(one);
                }
                Ok(Several(all.join(",")))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Several, A::Error> {
                let mut all = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    all.push(format!("{key}={value}"));
                }
                Ok(Several(all.join(",")))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
