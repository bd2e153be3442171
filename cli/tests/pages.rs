//! The manifests on the pages, as whoever copies them would have them checked: by `pulse validate`, with everything that the controller checks.

#[expect(dead_code, reason = "these tests need a part of it")]
#[path = "../../crd-schemas/tests/book/pages.rs"]
mod book;
mod support;

use book::Page;
use serde_json::Value;
use std::fs;
use support::{Ended, pulse};

/// What a page need not show beside a manifest: a workflow that it names, a script that it runs.
const ELSEWHERE: [&str; 2] = ["unknown-workflow", "missing-file"];

/// The whole manifests of a page, as files of one source.
fn source_of(page: &Page) -> Option<tempfile::TempDir> {
    let blocks = page.blocks();
    let whole = blocks.iter().filter(|block| block.info == "yaml" && block.text.contains("apiVersion: pulse.dev/"));
    let folder = tempfile::tempdir().expect("a folder");
    let mut count = 0;
    for block in whole {
        fs::write(folder.path().join(format!("line-{}.yaml", block.line)), &block.text).expect("the file is written");
        count += 1;
    }
    (count > 0).then_some(folder)
}

/// What is wrong with the manifests of a folder.
fn errors(folder: &tempfile::TempDir) -> Vec<String> {
    let ended = Ended::from(pulse(&["validate", ".", "-o", "json"]).current_dir(folder).output().expect("pulse runs"));
    let said: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {} {}", ended.stdout, ended.stderr));
    let problems = said["problems"].as_array().expect("problems");
    let is_wrong =
        |problem: &&Value| problem["severity"] == "error" && !ELSEWHERE.contains(&problem["code"].as_str().unwrap_or(""));
    problems.iter().filter(is_wrong).map(Value::to_string).collect()
}

#[test]
fn every_manifest_of_the_pages_passes_every_check() {
    let (mut count, mut complaints) = (0, Vec::new());
    for page in Page::all() {
        let Some(folder) = source_of(&page) else { continue };
        count += 1;
        complaints.extend(errors(&folder).iter().map(|said| format!("{}: {said}", page.path)));
    }
    assert!(count > 12, "only {count} pages have manifests: this test looks for them in the wrong way");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let wrong = Page { path: String::new(), text: "```yaml\napiVersion: pulse.dev/v1\nkind: Nothing\n```\n".to_owned() };
    assert_ne!(errors(&source_of(&wrong).expect("a manifest")), Vec::<String>::new(), "a wrong one is seen");
}

#[test]
fn what_is_shown_of_an_import_is_what_the_import_makes() {
    let blocks = Page::at("docs/coming-from/old-pulse.md").blocks();
    let of = |info: &str| blocks.iter().find(|block| block.info == info).unwrap_or_else(|| panic!("a block of {info}"));
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("old.json"), &of("json").text).expect("the definition is written");
    let ended = Ended::from(pulse(&["import", "old.json", "-o", "workflows"]).current_dir(&folder).output().expect("pulse runs"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let made = fs::read_to_string(folder.path().join("workflows/system-update.yaml")).expect("the manifest");
    assert_eq!(made, of("yaml").text, "docs/coming-from/old-pulse.md shows another one");
}
