//! A page of the reference, made of a schema and an example.

use crate::shape::{Schema, rules};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt::Write as _;

const HEAD: &str = "<!-- Made of the schemas by `UPDATE_DOCS=1 cargo test -p crd-schemas --test reference`. What it says stands in the comments of crd-schemas/src/manifest. -->\n\n";

/// What is to be shown.
pub struct Subject<'a> {
    /// Heads the page, such as `Workflow`.
    pub name: &'a str,
    /// What it is for.
    pub description: &'a str,
    /// The tables that the page begins with: heading and node.
    pub tables: Vec<(String, &'a Value)>,
    /// The whole schema.
    pub schema: Schema<'a>,
    /// Where its example lies, and what it says.
    pub example: (&'a str, String),
    /// Where to read on.
    pub more: &'a str,
}

/// The page.
pub fn page(subject: &Subject) -> String {
    let mut page = format!("{HEAD}# `{}`\n\n{}\n", subject.name, sentence(subject.description));
    write!(page, "\nMore about it: {}.\n", subject.more).expect("a text");
    let (mut told, mut open) = (BTreeSet::new(), Vec::new());
    for (heading, node) in &subject.tables {
        section(&mut page, subject.schema, heading, node, &mut open);
    }
    while !open.is_empty() {
        for name in std::mem::take(&mut open) {
            if told.insert(name) {
                let node = subject.schema.definition(name);
                section(&mut page, subject.schema, &format!("`{name}`"), node, &mut open);
            }
        }
    }
    let (place, example) = &subject.example;
    let example: String = example.lines().skip(1).map(|line| format!("{line}\n")).collect();
    write!(page, "\n## Example\n\n`{place}`, which the tests check, plan and run:\n\n```yaml\n{example}```\n").expect("a text");
    page
}

/// A heading, what the object is, its rules, and a row for each of its fields.
fn section<'a>(page: &mut String, schema: Schema<'a>, heading: &str, node: &'a Value, open: &mut Vec<&'a str>) {
    write!(page, "\n## {}\n\n", heading.replace("`", "")).expect("a text");
    if let Some(description) = node["description"].as_str() {
        write!(page, "{}\n\n", sentence(description)).expect("a text");
    }
    for rule in rules(node) {
        write!(page, "{rule}\n\n").expect("a text");
    }
    page.push_str("| field | type | default | meaning | limits |\n|---|---|---|---|---|\n");
    let fields = node["properties"].as_object().cloned().unwrap_or_else(Map::new);
    for name in fields.keys() {
        let field = &node["properties"][name];
        row(page, schema, (name, field), is_needed(node, name));
        open.extend(schema.parts(field).into_iter().filter(|part| !["Metadata", "Step"].contains(part)));
    }
}

fn is_needed(node: &Value, name: &str) -> bool {
    node["required"].as_array().is_some_and(|required| required.iter().any(|one| one == name))
}

fn row(page: &mut String, schema: Schema, (name, field): (&str, &Value), needed: bool) {
    let default = match (field.get("default"), needed) {
        (Some(Value::String(text)), _) => format!("`{text}`"),
        (Some(value), _) => format!("`{value}`"),
        (None, true) => "**needed**".to_owned(),
        (None, false) => String::new(),
    };
    let mut meaning = cell(field["description"].as_str().unwrap_or(""));
    let items = field.get("items").unwrap_or(&Value::Null);
    let inner = schema.inner(field);
    for (word, means) in schema.words(field).into_iter().chain(schema.words(items)).chain(inner) {
        write!(meaning, "<br>`{word}`: {}", cell(means)).expect("a text");
    }
    let (kind, limits) = (schema.kind(field), cell(&schema.limits(field)));
    writeln!(page, "| `{name}` | {kind} | {default} | {meaning} | {limits} |").expect("a text");
}

/// Text of a doc comment as one line, with pipes that break no table.
fn cell(text: &str) -> String {
    let line = text.lines().collect::<Vec<_>>().join(" ");
    line.replace(r"\|", "|").replace('|', r"\|")
}

fn sentence(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(" ")
}
