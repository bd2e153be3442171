//! A value with its pointer and its key's place, and the fields of a map.

use super::report::Report;
use super::suggest::suggest;
use super::words::{list, unsupported};
use crate::problem::code;
use crate::tree::{Entry, Node, Span, Value, clip};
use std::collections::HashMap;

/// A value, its JSON pointer, and where its key stands.
pub struct Cursor<'a> {
    /// The value.
    pub node: &'a Node,
    /// RFC 6901.
    pub pointer: String,
    key: Option<Span>,
    label: String,
}

impl<'a> Cursor<'a> {
    /// A whole document.
    pub fn document(node: &'a Node) -> Self {
        Self { node, pointer: String::new(), key: None, label: "this manifest".into() }
    }
    /// A whole request.
    pub fn request(node: &'a Node) -> Self {
        Self { label: "this request".into(), ..Self::document(node) }
    }
    /// The value of a key.
    pub fn entry(&self, name: &str, entry: &'a Entry) -> Self {
        let pointer = format!("{}/{}", self.pointer, escape(name));
        Self { node: &entry.value, pointer, key: Some(entry.key.span), label: format!("`{}`", clip(name)) }
    }
    /// The items of a list.
    pub fn items(&self, list: &'a [Node]) -> impl Iterator<Item = Self> {
        list.iter().enumerate().map(|(index, node)| Self {
            node,
            pointer: format!("{}/{index}", self.pointer),
            key: None,
            label: format!("item {} of {}", index + 1, self.label),
        })
    }
    /// How a sentence names it.
    pub fn label(&self) -> &str {
        &self.label
    }
    /// Where its problems are shown.
    pub fn place(&self) -> Span {
        self.node.place(self.key)
    }
    /// The inside of `{{ … }}` without quotes.
    pub fn braces(&self) -> Option<String> {
        template(&self.node.value)
    }
    /// The error for a value of another type.
    pub fn wrong_type<T>(&self, wanted: &str, report: &mut Report, help: Option<String>) -> Option<T> {
        if self.node.value == Value::Null {
            let empty = if wanted == "text" { "give it a value (`\"\"` is the empty text)" } else { "give it a value" };
            let help = Some(format!("{empty}, or leave the field out"));
            return report.error(self, code::WRONG_TYPE, format!("{} has no value; {wanted} is wanted", self.label), help);
        }
        if let Some(inside) = self.braces() {
            let message = format!("{} starts with `{{{{`, which is a map for YAML; {wanted} is wanted", self.label);
            return report.error(self, code::WRONG_TYPE, message, Some(format!("put it into quotes: \"{{{{ {inside} }}}}\"")));
        }
        let found = self.node.noun(report.text());
        report.error(self, code::WRONG_TYPE, format!("{} must be {wanted}, but this is {found}", self.label), help)
    }
}

/// A part of a JSON pointer.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The fields of a map, asked for one after the other; [`Fields::finish`] then knows which do not exist.
pub struct Fields<'a> {
    cursor: Cursor<'a>,
    entries: Vec<(&'a str, &'a Entry)>,
    known: Vec<&'static str>,
    refused: Vec<&'static str>,
    elsewhere: Vec<(&'static str, &'static str)>,
    /// Are problems of a field that is not known of no interest?
    open: bool,
}

impl<'a> Fields<'a> {
    /// The fields, if it is a map.
    pub fn of(cursor: Cursor<'a>, report: &mut Report) -> Option<Self> {
        let Value::Map(map) = &cursor.node.value else { return cursor.wrong_type("a map", report, None) };
        let entries = keys(&cursor, map, report);
        Some(Self { cursor, entries, known: Vec::new(), refused: Vec::new(), elsewhere: Vec::new(), open: false })
    }
    /// The map itself.
    pub fn cursor(&self) -> &Cursor<'a> {
        &self.cursor
    }
    /// A field, if it is there.
    pub fn find(&mut self, name: &'static str) -> Option<Cursor<'a>> {
        self.known.push(name);
        self.get(name)
    }
    /// A field that was asked for before, if it is there.
    pub fn get(&self, name: &str) -> Option<Cursor<'a>> {
        let entry = self.entries.iter().find(|(key, _)| *key == name)?.1;
        Some(self.cursor.entry(name, entry))
    }
    /// Fields that exist here and that nobody asks for, because what is wrong was said otherwise.
    pub fn know(&mut self, names: &[&'static str]) {
        self.known.extend(names);
    }
    /// Every field that was asked for or refused.
    pub fn asked(&self) -> Vec<&'static str> {
        self.known.iter().chain(&self.refused).copied().collect()
    }
    /// Is the field there?
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| *key == name)
    }
    /// A field that must be there.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        report: &mut Report,
        read: impl FnOnce(Cursor<'a>, &mut Report) -> Option<T>,
    ) -> Option<T> {
        match self.find(name) {
            Some(field) => read(field, report),
            None => {
                let owner = self.cursor.label().to_owned();
                report.error(
                    &self.cursor,
                    code::MISSING_FIELD,
                    format!("{owner} has no `{name}`"),
                    Some(format!("add `{name}: …`")),
                )
            }
        }
    }
    /// A field that may be there. `None` is a problem, `Some(None)` an absent field.
    #[expect(clippy::option_option, reason = "the outer one is `a problem was found`, as in every decoder")]
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        report: &mut Report,
        read: impl FnOnce(Cursor<'a>, &mut Report) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.find(name) {
            Some(field) => read(field, report).map(Some),
            None => Some(None),
        }
    }
    /// A field with a value of its own when it is not there.
    pub fn or<T>(
        &mut self,
        name: &'static str,
        otherwise: T,
        report: &mut Report,
        read: impl FnOnce(Cursor<'a>, &mut Report) -> Option<T>,
    ) -> Option<T> {
        self.optional(name, report, read).map(|value| value.unwrap_or(otherwise))
    }
    /// Fields that the design has and that do not run yet.
    pub fn refuse(&mut self, names: &[&'static str], report: &mut Report) {
        for (key, entry) in &self.entries {
            if let Some(name) = names.iter().find(|name| *name == key) {
                let pointer = format!("{}/{}", self.cursor.pointer, escape(name));
                let message = unsupported(&format!("the field `{name}`"));
                report.error_at::<()>(entry.key.span, &pointer, code::UNSUPPORTED, message, None);
            }
        }
        self.refused.extend(names);
    }
    /// A field that people look for here and that stands in another place.
    pub fn elsewhere(&mut self, name: &'static str, help: &'static str) {
        self.elsewhere.push((name, help));
    }
    /// Fields that are neither asked for nor refused are somebody else's, because what this map is could not be told.
    pub fn leave_open(&mut self) {
        self.open = true;
    }
    /// Reports the fields that nobody asked for.
    pub fn finish(self, report: &mut Report) {
        self.finish_with(report, |_| None);
    }
    /// Reports the fields that nobody asked for. `belongs` says of a field where it does exist.
    pub fn finish_with(self, report: &mut Report, belongs: impl Fn(&str) -> Option<String>) {
        if self.open {
            return;
        }
        for (key, entry) in &self.entries {
            if self.known.contains(key) || self.refused.contains(key) {
                continue;
            }
            let pointer = format!("{}/{}", self.cursor.pointer, escape(key));
            let elsewhere = self.elsewhere.iter().find(|(name, _)| name == key).map(|(_, help)| (*help).to_owned());
            let near = || belongs(key).or_else(|| suggest(key, self.known.iter().copied()));
            let near = if report.is_full() { None } else { near() };
            let help = elsewhere.or(near).unwrap_or_else(|| format!("it has {}", list(&self.known)));
            let message = format!("{} has no field `{}`", self.cursor.label(), clip(key));
            report.error_at::<()>(entry.key.span, &pointer, code::UNKNOWN_FIELD, message, Some(help));
        }
    }
}

/// The entries whose keys are texts given once; every other one is reported.
pub fn keys<'a>(cursor: &Cursor<'a>, map: &'a [Entry], report: &mut Report) -> Vec<(&'a str, &'a Entry)> {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    let mut entries = Vec::new();
    for entry in map {
        let Some(key) = entry.key.text() else {
            let found = entry.key.noun(report.text());
            let _: Option<()> = report.error_at(
                entry.key.place(None),
                &cursor.pointer,
                code::WRONG_TYPE,
                format!("a key must be text, but this is {found}"),
                Some("put the key into quotes".into()),
            );
            continue;
        };
        let pointer = || format!("{}/{}", cursor.pointer, escape(key));
        if let Some(first) = seen.get(key) {
            let message = format!("the key `{}` is given twice; the first one is in line {}", clip(key), report.line(*first));
            let _: Option<()> = report.error_at(entry.key.span, &pointer(), code::DUPLICATE_KEY, message, None);
        } else if key == "<<" {
            let help = Some("write the fields out; an alias (`*name`) may stand for a whole value".into());
            let _: Option<()> =
                report.error_at(entry.key.span, &pointer(), code::MERGE_KEY, "merge keys are not part of YAML 1.2", help);
        } else {
            seen.insert(key, entry.key.span);
            entries.push((key, entry));
        }
    }
    entries
}

/// The inside of `{{ … }}` without quotes, which YAML reads as a map whose key is a map.
fn template(value: &Value) -> Option<String> {
    let Value::Map(map) = value else { return None };
    let [Entry { key: Node { value: Value::Map(inner), .. }, .. }] = map.as_slice() else { return None };
    let names: Vec<&str> = inner.iter().filter_map(|entry| entry.key.text()).collect();
    Some(if names.len() == 1 { clip(names[0]) } else { "…".into() })
}
