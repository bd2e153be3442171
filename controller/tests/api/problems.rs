//! The codes of refusals: one table in the code, one page for people.

use pulse_controller::api::codes::{CODES, find};
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

#[test]
fn the_page_has_every_code_as_the_code_has_it() {
    let page = std::fs::read_to_string(format!("{ROOT}/docs/problems.md")).unwrap();
    let (_, table) = page.split_once("## Refusals of the API").expect("the section");
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
    let wanted: Vec<String> = CODES
        .iter()
        .map(|code| {
            let statuses: Vec<String> = code.statuses.iter().map(u16::to_string).collect();
            format!("| `{}` | {} | {} |", code.code, statuses.join(", "), code.meaning)
        })
        .collect();
    assert_eq!(
        rows,
        wanted,
        "the table of docs/problems.md is made of controller/src/api/codes.rs; it should be:\n{}",
        wanted.join("\n")
    );
}

/// A code that stands in the source and in no table would be told to callers and be in no document.
#[test]
fn every_code_in_the_source_is_in_the_table() {
    let mut found = 0;
    for file in sources(Path::new(&format!("{ROOT}/controller/src"))) {
        let text = std::fs::read_to_string(&file).unwrap();
        for making in ["Problem::new(", "Self::new(", "not_found(", "bad_request(", "broken(", "busy("] {
            for rest in text.split(making).skip(1) {
                let call: String = rest.chars().take(160).collect();
                let code = call.split('"').nth(1).filter(|_| call.split('"').next().is_some_and(|before| !before.contains(';')));
                let is_code =
                    |code: &&str| code.contains('_') && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                let Some(code) = code.filter(is_code) else { continue };
                assert!(find(code).is_some(), "{}: `{code}` is in no table", file.display());
                found += 1;
            }
        }
    }
    assert!(found > 60, "only {found} were found: this test looks for them in the wrong way");
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            all.push(path);
        }
    }
    all
}
