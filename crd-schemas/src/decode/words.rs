//! Parts of sentences that decoders share.

use crate::tree::clip;

/// The sentence of `unsupported`.
pub fn unsupported(what: &str) -> String {
    format!("{what} is part of PULSE's design, but this release does not run it yet")
}

/// `a`, `b` and `c`, each in backticks.
pub fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "none".into(),
    }
}

/// The same of texts that users wrote.
pub fn clipped_list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let clipped: Vec<String> = texts.into_iter().map(clip).collect();
    list(&clipped.iter().map(String::as_str).collect::<Vec<_>>())
}
