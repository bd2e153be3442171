//! Wrong files and what is said of each: `problems/NAME.yaml` and `problems/NAME.expected`. `UPDATE_EXPECTED=1` rewrites them.

use crd_schemas::parse_file;
use crd_schemas::problem::code;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

#[test]
fn every_wrong_file_says_what_its_expected_file_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/problems");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("the folder of the cases")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".yaml").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() > 40, "only {} cases", names.len());
    let different: Vec<String> = names.iter().filter_map(|name| difference(&folder, name)).collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

fn difference(folder: &Path, name: &str) -> Option<String> {
    let bytes = fs::read(folder.join(format!("{name}.yaml"))).expect("a case");
    let expected_path = folder.join(format!("{name}.expected"));
    let found = said(&format!("{name}.yaml"), &bytes);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&expected_path, &found).expect("the expected file is written");
    }
    let expected = fs::read_to_string(&expected_path).unwrap_or_default();
    (found != expected).then(|| format!("--- {name}: expected\n{expected}+++ {name}: found\n{found}"))
}

/// One line for each problem, with pointer and end, and the names of the manifests that were read all the same.
fn said(path: &str, bytes: &[u8]) -> String {
    let parsed = parse_file(path, bytes);
    let mut text = String::new();
    for problem in &parsed.problems {
        writeln!(text, "{problem}\n    to {}:{} `{}`", problem.end_line, problem.end_column, problem.pointer).expect("a text");
    }
    for document in &parsed.documents {
        let manifest = &document.manifest;
        writeln!(text, "{} {}", manifest.kind(), manifest.metadata().name).expect("a text");
    }
    text
}

#[test]
fn every_code_is_explained_and_has_a_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(folder.join("../docs/problems.md")).expect("the page of codes");
    let expected: String = fs::read_dir(folder.join("tests/problems"))
        .expect("the folder of the cases")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "expected"))
        .map(|path| fs::read_to_string(path).expect("an expected file"))
        .collect();
    // These two need files too large to keep; tests/bounds.rs makes them.
    let made = [code::FILE_TOO_LARGE, code::TOO_MANY_PROBLEMS];
    for code in code::ALL {
        assert!(page.contains(&format!("| `{code}` |")), "docs/problems.md does not explain {code}");
        assert!(made.contains(&code) || expected.contains(&format!("error[{code}]")), "no case for {code}");
    }
}
