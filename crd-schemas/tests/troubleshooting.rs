//! `docs/troubleshooting.md` quotes what the programs say. Each quotation stands in their source, and every reason of `why` is quoted.

#[expect(dead_code, reason = "this test needs a part of it")]
#[path = "book/pages.rs"]
mod pages;

use pages::{Page, root};
use std::fs;
use std::path::Path;

const PAGE: &str = "docs/troubleshooting.md";

/// The texts of a Rust file, outside of comments, each with `…` in place of what is filled in.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(place) = rest.find(['"', '/', '\'']) {
        let (skipped, here) = rest[place..].split_at(1);
        rest = match skipped {
            "/" if here.starts_with('/') => here.split_once('\n').map_or("", |(_, rest)| rest),
            // The character `"` begins no text.
            "'" if here.starts_with("\"'") || here.starts_with("\\\"'") => here.split_once("\"'").map_or("", |(_, rest)| rest),
            "\"" => {
                let end = end_of(here);
                found.push(filled(&here[..end]));
                here.get(end + 1..).unwrap_or("")
            }
            _ => here,
        };
    }
    found
}

/// Where a text ends that has begun.
fn end_of(text: &str) -> usize {
    let mut escaped = false;
    for (place, c) in text.char_indices() {
        match c {
            '"' if !escaped => return place,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// The text as it is read: joined where it goes on on the next line, and `…` for each value.
fn filled(text: &str) -> String {
    let mut said = String::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' if characters.peek() == Some(&'\n') => while characters.next_if(|c| c.is_whitespace()).is_some() {},
            '\\' => said.extend(characters.next()),
            '{' if characters.next_if_eq(&'{').is_some() => said.push('{'),
            '{' => {
                for _ in characters.by_ref().take_while(|c| *c != '}') {}
                said.push('…');
            }
            c => said.push(c),
        }
    }
    said
}

fn sources(folder: &Path, texts: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, texts);
        } else if path.extension().is_some_and(|end| end == "rs") {
            texts.extend(literals(&fs::read_to_string(&path).expect("a source")));
        }
    }
}

/// What the page quotes: the first cell of each row, where that is one span of code.
fn quoted() -> Vec<(usize, String)> {
    let page = Page::at(PAGE);
    let cell = |(number, line): (usize, &str)| {
        let first = line.strip_prefix("| `")?.split(" | ").next()?;
        let said = first.trim_end_matches(" |").strip_suffix('`')?;
        (!said.contains('`')).then(|| (number, said.to_owned()))
    };
    page.prose().into_iter().filter_map(cell).collect()
}

/// Whether a text says what is quoted, `…` standing for anything on either side.
fn says(text: &str, quoted: &str) -> bool {
    let mut rest = text;
    quoted.split('…').map(str::trim).filter(|piece| !piece.is_empty()).all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[test]
fn every_quotation_stands_in_the_source() {
    let mut texts = Vec::new();
    for folder in ["controller/src", "controller/core/src", "controller/store/src", "agent/src", "cli/src"] {
        sources(&root().join(folder), &mut texts);
    }
    let quoted = quoted();
    let missing: Vec<String> = quoted
        .iter()
        .filter(|(_, said)| !texts.iter().any(|text| says(text, said)))
        .map(|(line, said)| format!("{PAGE}:{line}: nothing says `{said}`"))
        .collect();
    assert!(quoted.len() > 70, "only {} were found: this test looks for them in the wrong way", quoted.len());
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// What a file says where it shows a type to people.
fn display_of(file: &str, of: &str) -> Vec<String> {
    let source = fs::read_to_string(root().join(file)).expect("the source");
    let (_, after) = source.split_once(&format!("impl fmt::Display for {of} {{")).expect("how it is shown");
    let body = after.split("\n}\n").next().unwrap_or(after);
    literals(body)
}

#[test]
fn every_reason_of_why_is_explained() {
    let quoted: Vec<String> = quoted().into_iter().map(|(_, said)| said).collect();
    let reasons = display_of("controller/core/src/decide/report.rs", "Reason");
    let losses = display_of("controller/core/src/transition/attempt.rs", "TrackLoss");
    let waits = display_of("controller/core/src/schedule/waiting.rs", "Waiting");
    assert!(reasons.len() > 20 && losses.len() == 8 && waits.len() > 6, "{reasons:?} {losses:?} {waits:?}");
    // Before a reason stands where it holds; a schedule that waits for nothing, or for its next slot, is no symptom.
    let is_symptom =
        |said: &String| !["step `…`", " on …", ": ", "nothing"].contains(&said.as_str()) && !said.starts_with("the next slot");
    for said in reasons.iter().chain(&losses).chain(&waits).filter(|said| is_symptom(said)) {
        assert!(quoted.contains(said), "{PAGE} does not explain `{said}`");
    }
}

#[test]
fn texts_are_read_as_the_compiler_reads_them() {
    let source = "// \"no\"\nlet a = \"one {two} {{three}}\"; let q = '\"'; let b = \"four \\\n   five \\\"six\\\"\";";
    assert_eq!(literals(source), ["one … {three}}", "four five \"six\""]);
    assert!(says("one … two", "one … two") && says("x one y", "one") && !says("one", "one … two"));
}
