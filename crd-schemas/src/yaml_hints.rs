//! The mend for what people get wrong in YAML, told from the line where the parser stopped and the one before.

use crate::source::Source;
use crate::tree::clip;

/// The mend, where the trap is a known one. `said` is the parser's sentence.
pub fn hint(source: &Source, line: u32, said: &str) -> Option<String> {
    let above = line.saturating_sub(1).max(1);
    line_hint(source.line(line)).or_else(|| line_hint(source.line(above))).or_else(|| general(said).map(str::to_owned))
}

fn general(said: &str) -> Option<&'static str> {
    if said.contains("escape") {
        return Some("in double quotes `\\` begins an escape; use single quotes to write it as it is");
    }
    let indentation = ["did not find expected", "mapping values", "indentation", "block sequence entries"];
    indentation.iter().any(|part| said.contains(part)).then_some("check the indentation of this line and the one before")
}

fn line_hint(line: &str) -> Option<String> {
    let indentation = &line[..line.len() - line.trim_start().len()];
    if indentation.contains('\t') {
        return Some("YAML is indented with spaces, never with tabs".into());
    }
    let body = line.trim_start().trim_start_matches("- ").trim();
    let (key, value) = match body.split_once(": ") {
        Some((key, value)) => (format!("{}: ", clip(key)), value.trim()),
        None => (String::new(), body),
    };
    let first = value.chars().next()?;
    match first {
        '"' | '\'' => quote_hint(&key, value, first),
        '{' if value.starts_with("{{") => {
            Some(format!("a value that starts with `{{{{` is a map for YAML; put it into quotes: {key}{}", quoted(value)))
        }
        '@' | '`' | '%' | '*' | '&' | '!' => {
            Some(format!("a value that starts with `{first}` needs quotes: {key}{}", quoted(value)))
        }
        '[' if value.contains("[*") || value.contains(", *") => {
            Some("`*` names an anchor for YAML; in `targets`, write `all` for every agent".into())
        }
        '[' | '{' if !value.contains(if first == '[' { ']' } else { '}' }) => {
            Some(format!("the `{first}` is not closed on its line"))
        }
        '#' => None,
        _ if !key.is_empty() && (value.contains(": ") || value.ends_with(':')) => {
            Some(format!("a value that has `: ` in it needs quotes: {key}{}", quoted(value)))
        }
        _ if key.is_empty() && body.contains(':') && !body.ends_with(':') && !body.contains("://") => {
            Some("a colon after a key is followed by a space".into())
        }
        _ => None,
    }
}

/// Traps of a value that starts with a quote.
fn quote_hint(key: &str, value: &str, quote: char) -> Option<String> {
    let Some(end) = value[1..].find(quote) else {
        return Some(format!("the `{quote}` at the start is not closed on its line"));
    };
    let rest = value[end + 2..].trim();
    if rest.is_empty() || rest.starts_with(['#', ',', ']', '}', ':', quote]) {
        return None;
    }
    // An expression's texts stand in double quotes, so single ones go around it.
    let mended = if value.contains('"') { value.to_owned() } else { value.replace('\'', "\"") };
    Some(format!("the quotes end the value; put all of it into quotes: {key}{}", quoted(&mended)))
}

fn quoted(value: &str) -> String {
    format!("'{}'", clip(value).replace('\'', "''"))
}
