//! Splits a text into plain text and `{{ … }}` items. It knows no shell.

use super::TemplateError;
use crate::values::{Path, Scope};

/// A part of a text, with its place in the text as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Text that stands for itself, or what `{{ "text" }}` stands for.
    Text { text: String, offset: usize, literal: bool },
    /// `{{ path }}`
    Value { path: Path, offset: usize, length: usize },
}

/// A text's parts, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Items(pub(super) Vec<Item>);

impl IntoIterator for Items {
    type Item = Item;
    type IntoIter = std::vec::IntoIter<Item>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Items {
    /// Splits the text and parses every path; all errors at once. An item that is wrong stands as some value, so that its place
    /// can be checked too.
    pub(super) fn parse(text: &str, scope: &Scope) -> (Self, Vec<TemplateError>) {
        let (mut items, mut errors, mut at) = (Vec::new(), Vec::new(), 0);
        if let Some(offset) = text.find('\0') {
            return (Self(items), vec![TemplateError::new(offset, 1, "the text holds a NUL byte", "remove it")]);
        }
        while let Some(start) = text[at..].find("{{").map(|found| at + found) {
            push_text(&mut items, &text[at..start], at);
            let Some(inner_length) = inner_length(&text[start + 2..]) else {
                errors.push(TemplateError::new(
                    start,
                    2,
                    "`{{` is never closed",
                    format!("close it with `}}}}`, or {}", escape("{{")),
                ));
                at = text.len();
                break;
            };
            let length = inner_length + 4;
            match parse_item(&text[start + 2..start + 2 + inner_length], start, length, scope) {
                Ok(item) => items.push(item),
                Err(error) => {
                    errors.push(error);
                    items.push(Item::Value { path: Path::ExecutionId, offset: start, length });
                }
            }
            at = start + length;
        }
        push_text(&mut items, &text[at..], at);
        (Self(items), errors)
    }
}

fn push_text(items: &mut Vec<Item>, text: &str, offset: usize) {
    if !text.is_empty() {
        items.push(Item::Text { text: text.to_owned(), offset, literal: false });
    }
}

/// The length of what stands between the braces: up to the first `}}` outside of quotes.
fn inner_length(text: &str) -> Option<usize> {
    let trimmed = text.trim_start();
    let Some(quoted) = trimmed.strip_prefix('"') else { return text.find("}}") };
    let before = text.len() - quoted.len();
    let close = before + quoted.find('"')? + 1;
    text[close..].find("}}").map(|found| close + found)
}

fn parse_item(inner: &str, offset: usize, length: usize, scope: &Scope) -> Result<Item, TemplateError> {
    let inner = inner.trim();
    if let Some(text) = inner.strip_prefix('"') {
        return match text.strip_suffix('"') {
            Some(text) if !text.contains('"') => Ok(Item::Text { text: text.to_owned(), offset, literal: true }),
            _ => Err(TemplateError::new(offset, length, "text behind the closing quote", "write `{{ \"text\" }}`")),
        };
    }
    let dotted = !inner.is_empty() && inner.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    if !dotted || inner.starts_with('.') {
        let message = format!("`{{{{ {} }}}}` is no dotted path, such as `params.name`", shown(inner));
        let help = format!("an item holds one path and no expression; {}", escape(&format!("{{{{{}}}}}", shown(inner))));
        return Err(TemplateError::new(offset, length, message, help));
    }
    match Path::parse(inner, scope) {
        Ok(path) => Ok(Item::Value { path, offset, length }),
        Err(error) => {
            let help = error.help.unwrap_or_else(|| escape(&format!("{{{{ {} }}}}", shown(inner))));
            Err(TemplateError { unsupported: error.unsupported, ..TemplateError::new(offset, length, error.message, help) })
        }
    }
}

/// How to write braces that are not PULSE's.
fn escape(braces: &str) -> String {
    if braces.contains('"') {
        return "to keep braces for another program, write `{{ \"{{\" }}` for `{{`".to_owned();
    }
    format!("to keep braces for another program, write `{{{{ \"{braces}\" }}}}`")
}

fn shown(inner: &str) -> String {
    let mut text: String = inner.chars().take(60).collect();
    if text.len() < inner.len() {
        text.push('…');
    }
    text
}
