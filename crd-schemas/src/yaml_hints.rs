//! The mend for what people get wrong in YAML, told from the line where the parser stopped and the one before.

use crate::source::Source;
use crate::tree::clip;

/// The mend, where the trap is a known one. `said` is the parser's sentence.
pub fn hint(source: &Source, line: u32, said: &str) -> Option<String> {
    let at = Line::all(source.line(line));
    let above = Line::all(if line > 1 { source.line(line - 1) } else { "" });
    let is_colon = said.contains("mapping values");
    let no_space = |lines: &[Line]| if is_colon { first(lines, Line::colon_without_space) } else { None };
    let in_value = |lines: &[Line]| {
        if is_colon || lines.len() > 1 && said.contains("flow mapping") { first(lines, Line::colon_in_value) } else { None }
    };
    (first(&at, Line::tab))
        .or_else(|| first(&at, Line::quotes_end_early))
        .or_else(|| first(&at, Line::braces))
        .or_else(|| first(&at, Line::indicator))
        .or_else(|| first(&at, Line::not_closed))
        .or_else(|| in_value(&at))
        .or_else(|| first(&above, Line::not_closed))
        .or_else(|| no_space(&at))
        .or_else(|| no_space(&above))
        .or_else(|| general(said).map(str::to_owned))
}

fn first<'a>(lines: &[Line<'a>], trap: impl Fn(&Line<'a>) -> Option<String>) -> Option<String> {
    lines.iter().find_map(trap)
}

/// The fields of a map that is written on one line, `{a: b, c: d}`, without its braces; any other text as it is.
fn entries(body: &str) -> Vec<&str> {
    let Some(inner) = body.strip_prefix('{').filter(|inner| !inner.starts_with('{')) else { return vec![body] };
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let is_key = |rest: &str| {
        let key = rest.trim_start().split(':').next().unwrap_or_default();
        rest.contains(": ") && !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let mut starts = vec![0];
    starts.extend(inner.match_indices(',').map(|(at, _)| at + 1).filter(|at| is_key(&inner[*at..])));
    let ends: Vec<usize> = starts.iter().skip(1).map(|start| start - 1).chain([inner.len()]).collect();
    starts.iter().zip(ends).map(|(start, end)| inner[*start..end].trim()).collect()
}

fn general(said: &str) -> Option<&'static str> {
    if said.contains("escape") {
        return Some("in double quotes `\\` begins an escape; use single quotes to write it as it is");
    }
    if said.contains("block sequence entries") {
        return Some("the first item of a list with dashes stands on a line of its own");
    }
    let indentation = ["did not find expected", "mapping values", "indentation"];
    indentation.iter().any(|part| said.contains(part)).then_some("check the indentation of this line and the one before")
}

/// One line, as `key: value`, a list's item or a value alone.
struct Line<'a> {
    indentation: &'a str,
    /// `key: `, to repeat in the mend.
    key: String,
    value: &'a str,
}

impl<'a> Line<'a> {
    /// The line, or each field of a map on one line.
    fn all(line: &'a str) -> Vec<Self> {
        let body = line.trim_start();
        let indentation = &line[..line.len() - body.len()];
        let body = body.trim_start_matches("- ").trim();
        let read = |entry: &'a str| match entry.split_once(": ") {
            Some((key, value)) => Self { indentation, key: format!("{}: ", clip(key)), value: value.trim() },
            None => Self { indentation, key: String::new(), value: entry },
        };
        entries(body).into_iter().map(read).collect()
    }
    /// The mend that most traps share.
    fn in_quotes(&self) -> String {
        format!("{}{}", self.key, quoted(self.value))
    }
    fn tab(&self) -> Option<String> {
        self.indentation.contains('\t').then(|| "YAML is indented with spaces, never with tabs".into())
    }
    fn braces(&self) -> Option<String> {
        let message = || format!("a value that starts with `{{{{` is a map for YAML; put it into quotes: {}", self.in_quotes());
        self.value.starts_with("{{").then(message)
    }
    fn indicator(&self) -> Option<String> {
        if self.value.starts_with('[') && (self.value.contains("[*") || self.value.contains(", *")) {
            return Some("`*` names an anchor for YAML; in `targets`, write `all` for every agent".into());
        }
        let first = self.value.chars().next().filter(|c| "@`%*&!".contains(*c))?;
        Some(format!("a value that starts with `{first}` needs quotes: {}", self.in_quotes()))
    }
    fn not_closed(&self) -> Option<String> {
        let first = self.value.chars().next()?;
        let last = match first {
            '[' => ']',
            '{' => '}',
            '"' | '\'' => first,
            _ => return None,
        };
        let closed = self.value[1..].contains(last);
        (!closed).then(|| format!("the `{first}` at the start is not closed on its line"))
    }
    fn colon_in_value(&self) -> Option<String> {
        let has = !self.key.is_empty() && !self.value.starts_with(['#', '"', '\'']) && self.value.contains(": ");
        has.then(|| format!("a value that has `: ` in it needs quotes: {}", self.in_quotes()))
    }
    fn colon_without_space(&self) -> Option<String> {
        let has = self.key.is_empty() && self.value.contains(':') && !self.value.ends_with(':') && !self.value.contains("://");
        has.then(|| "a colon after a key is followed by a space".into())
    }
    fn quotes_end_early(&self) -> Option<String> {
        let quote = self.value.chars().next().filter(|c| *c == '"' || *c == '\'')?;
        let end = self.value[1..].find(quote)?;
        let rest = self.value[end + 2..].trim();
        if rest.is_empty() || rest.starts_with(['#', ',', ']', '}', ':', quote]) {
            return None;
        }
        // An expression's texts stand in double quotes, so single ones go around it.
        let value = if self.value.contains('"') { self.value.to_owned() } else { self.value.replace('\'', "\"") };
        Some(format!("the quotes end the value; put all of it into quotes: {}{}", self.key, quoted(&value)))
    }
}

fn quoted(value: &str) -> String {
    format!("'{}'", clip(value).replace('\'', "''"))
}
