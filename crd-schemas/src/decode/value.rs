//! Decoders of single values: texts, booleans, durations, choices, lists and maps of texts.

use super::cursor::{Cursor, keys};
use super::report::Report;
use super::suggest::suggest;
use super::words::{list, unsupported};
use crate::Duration;
use crate::problem::code;
use crate::tree::{Value, clip};
use std::collections::{BTreeMap, HashSet};
use std::ops::RangeInclusive;

/// A text.
pub fn text(at: Cursor, report: &mut Report) -> Option<String> {
    let Value::String(found) = &at.node.value else { return at.wrong_type("text", report, text_help(&at, report)) };
    if found.contains('\0') {
        return report.error(&at, code::NUL, format!("{} holds a NUL character, which no command can receive", at.label()), None);
    }
    Some(found.clone())
}

fn text_help(at: &Cursor, report: &Report) -> Option<String> {
    let written = report.text().get(at.node.span.start..at.node.span.end)?;
    match at.node.value {
        Value::Number(_) | Value::Bool(_) => Some(format!("put it into quotes: \"{}\"", clip(written))),
        _ => None,
    }
}

/// A text with at least one character that is not white space.
pub fn filled_text(at: Cursor, report: &mut Report) -> Option<String> {
    let (label, place, pointer) = (at.label().to_owned(), at.place(), at.pointer.clone());
    let found = text(at, report)?;
    if found.trim().is_empty() {
        return report.error_at(place, &pointer, code::EMPTY, format!("{label} is empty"), Some("write its text".into()));
    }
    Some(found)
}

/// A filled text of at most so many characters.
pub fn short_text(at: Cursor, most: usize, report: &mut Report) -> Option<String> {
    let (label, place, pointer) = (at.label().to_owned(), at.place(), at.pointer.clone());
    let found = filled_text(at, report)?;
    let length = found.chars().count();
    if length > most {
        let message = format!("{label} has {length} characters; at most {most} are allowed");
        return report.error_at(place, &pointer, code::OUT_OF_RANGE, message, None);
    }
    Some(found)
}

/// `true` or `false`.
pub fn boolean(at: Cursor, report: &mut Report) -> Option<bool> {
    boolean_at(&at, report)
}

/// `true` or `false`, where the place is needed afterwards.
pub fn boolean_at(at: &Cursor, report: &mut Report) -> Option<bool> {
    match &at.node.value {
        Value::Bool(value) => Some(*value),
        Value::String(text) => {
            let meant = match text.to_lowercase().as_str() {
                "yes" | "on" | "y" | "true" => Some("write `true`, without quotes"),
                "no" | "off" | "n" | "false" => Some("write `false`, without quotes"),
                _ => Some("write `true` or `false`"),
            };
            at.wrong_type("`true` or `false`", report, meant.map(str::to_owned))
        }
        _ => at.wrong_type("`true` or `false`", report, None),
    }
}

/// A number and a unit, at least `least`.
pub fn duration(at: Cursor, least: Duration, report: &mut Report) -> Option<Duration> {
    let found = match &at.node.value {
        Value::String(text) => text.parse::<Duration>(),
        Value::Number(number) => {
            let help = format!("write `{number}s`, `{number}m` or `{number}h`");
            return at.wrong_type("a duration with its unit", report, Some(help));
        }
        _ => return at.wrong_type("a duration such as `90s`", report, None),
    };
    match found {
        Ok(found) if found < least => {
            report.error(&at, code::OUT_OF_RANGE, format!("{} must be at least {least}, but this is {found}", at.label()), None)
        }
        Ok(found) => Some(found),
        Err(error) => {
            report.error(&at, code::BAD_DURATION, error.to_string(), Some("durations look like `90s`, `10m`, `2h`".into()))
        }
    }
}

/// One of some names. `later` are those of the design that do not run yet.
pub fn choice<T: Clone>(at: &Cursor, names: &[(&str, T)], later: &[&str], report: &mut Report) -> Option<T> {
    let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    let Value::String(text) = &at.node.value else { return at.wrong_type(&format!("one of {}", list(&known)), report, None) };
    if let Some((_, value)) = names.iter().find(|(name, _)| name == text) {
        return Some(value.clone());
    }
    if later.contains(&text.as_str()) {
        return report.error(at, code::UNSUPPORTED, unsupported(&format!("`{text}` of {}", at.label())), None);
    }
    let help = suggest(text, known.iter().chain(later).copied()).or_else(|| Some(format!("it can be {}", list(&known))));
    report.error(at, code::BAD_VALUE, format!("{} cannot be `{}`", at.label(), clip(text)), help)
}

/// A list with a bounded number of items, each read by `read`; every item's problems are found.
pub fn items<'a, T>(
    at: Cursor<'a>,
    bounds: RangeInclusive<usize>,
    report: &mut Report,
    mut read: impl FnMut(Cursor<'a>, &mut Report) -> Option<T>,
) -> Option<Vec<T>> {
    let Value::List(nodes) = &at.node.value else {
        let help = match &at.node.value {
            Value::String(text) if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
                Some(format!("write a list: [{}]", clip(text)))
            }
            Value::String(text) => Some(format!("write a list: [{}]", serde_json::Value::from(clip(text)))),
            _ => None,
        };
        return at.wrong_type("a list", report, help);
    };
    if nodes.is_empty() && *bounds.start() > 0 {
        return report.error(&at, code::EMPTY, format!("{} is an empty list; at least one item is wanted", at.label()), None);
    }
    if !bounds.contains(&nodes.len()) {
        let message = format!("{} has {} items; at most {} are allowed", at.label(), nodes.len(), bounds.end());
        return report.error(&at, code::OUT_OF_RANGE, message, None);
    }
    let read: Vec<Option<T>> = at.items(nodes).map(|item| read(item, report)).collect();
    read.into_iter().collect()
}

/// A map of texts whose keys and values follow rules.
pub fn text_map(
    at: Cursor,
    report: &mut Report,
    key_rule: impl Fn(&str) -> Result<(), Broken>,
    value_rule: impl Fn(&str) -> Result<(), Broken>,
) -> Option<BTreeMap<String, String>> {
    let Value::Map(map) = &at.node.value else { return at.wrong_type("a map of texts", report, None) };
    let before = report.count();
    let mut found = BTreeMap::new();
    for (key, entry) in keys(&at, map, report) {
        let field = at.entry(key, entry);
        if let Err(broken) = key_rule(key) {
            broken.report(entry.key.place(None), &field.pointer, report);
        }
        let (place, pointer) = (field.place(), field.pointer.clone());
        if let Some(value) = text(field, report) {
            if let Err(broken) = value_rule(&value) {
                broken.report(place, &pointer, report);
            }
            found.insert(key.to_owned(), value);
        }
    }
    (report.count() == before).then_some(found)
}

/// A text that follows a rule.
pub fn ruled(at: Cursor, report: &mut Report, rule: impl Fn(&str) -> Result<(), Broken>) -> Option<String> {
    let (place, pointer) = (at.place(), at.pointer.clone());
    let found = text(at, report)?;
    match rule(&found) {
        Ok(()) => Some(found),
        Err(broken) => {
            broken.report(place, &pointer, report);
            None
        }
    }
}

/// A rule that a text breaks.
pub struct Broken {
    /// Its code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The mend.
    pub help: Option<String>,
}

impl Broken {
    /// Reports it.
    pub fn report(self, place: crate::tree::Span, pointer: &str, report: &mut Report) {
        let _: Option<()> = report.error_at(place, pointer, self.code, self.message, self.help);
    }
}

/// Reports each name that came before. `names` are those that could be read, with their places.
pub fn unique(what: &str, names: &[(String, crate::tree::Span, String)], report: &mut Report) -> Option<()> {
    let mut seen = HashSet::new();
    let before = report.count();
    for (name, place, pointer) in names {
        if !seen.insert(name.as_str()) {
            let message = format!("there is another {what} `{}` before this one", clip(name));
            let _: Option<()> =
                report.error_at(*place, pointer, code::DUPLICATE_NAME, message, Some("give it a name of its own".into()));
        }
    }
    (report.count() == before).then_some(())
}
