//! One parse of a file into trees that know where everything stands. Nothing here knows what a manifest is.
//!
//! serde alone loses positions inside tagged and flattened types, so the typed manifests are decoded from these trees and
//! every check reports a JSON pointer, which the tree turns into line and column.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::{Location, Spanned};
use std::fmt;

/// Bytes of a source text, from `start` up to but not including `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands. Block lists and block maps have only a start; for what came through an alias it is the place of the anchor.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, `null` or `~`.
    Null,
    /// `true` or `false`; nothing else is a boolean.
    Bool(bool),
    /// A plain number.
    Number(Number),
    /// Text.
    String(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order written. Keys may be given twice; the decoder says so.
    Map(Vec<Entry>),
}

/// One key of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key, of any type until checked.
    pub key: Node,
    /// The value.
    pub value: Node,
}

impl Node {
    /// Its text; `None` where it is no text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, as a person says it: `a list`, `the number 014`.
    pub fn noun(&self, source: &str) -> String {
        let written = || source.get(self.span.start..self.span.end).unwrap_or_default();
        match &self.value {
            Value::Null if written().is_empty() => "nothing".into(),
            Value::Null => format!("`{}`", clip(written())),
            Value::Bool(_) => format!("the boolean `{}`", clip(written())),
            Value::Number(_) => format!("the number `{}`", clip(written())),
            Value::String(text) => format!("the text `{}`", clip(text)),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a map".into(),
        }
    }

    /// Where to show a problem of this node: its own text; without any, its key; without one, what stands in it first.
    pub fn place(&self, key: Option<Span>) -> Span {
        if self.span.start < self.span.end {
            return self.span;
        }
        let first = match &self.value {
            Value::List(items) => items.first().map(|item| item.place(None)),
            Value::Map(entries) => entries.first().map(|entry| entry.key.place(None)),
            _ => None,
        };
        key.or(first).unwrap_or(self.span)
    }
}

/// The beginning of a text that users wrote, short enough for a sentence, on one line.
pub(crate) fn clip(text: &str) -> String {
    let mut shown: String = text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { span: span_of(&spanned.defined), value: spanned.value })
    }
}

fn span_of(location: &Location) -> Span {
    let span = location.span();
    let start = span.byte_offset().unwrap_or(0) as usize;
    Span { start, end: start + span.byte_len().unwrap_or(0) as usize }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry()? {
            map.push(Entry { key, value });
        }
        Ok(Value::Map(map))
    }
}
