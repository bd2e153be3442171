//! What the pages name is there: routes of the API, settings, and the measurements that a figure was taken from.

#[expect(dead_code, reason = "these tests need a part of it")]
#[path = "book/pages.rs"]
mod pages;

use pages::{Page, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A path of the API with `{…}` for each part that is filled in.
fn template(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
    path.split(['?', '#']).next().unwrap_or("").split('/').map(part).collect::<Vec<_>>().join("/")
}

/// `GET /api/v1/workflows/{name}` in the text is a route; `/workflows/{name}` stands for one below `/api/v1`.
#[test]
fn every_route_that_is_named_is_one() {
    let document = root().join("controller/tests/api/openapi/golden/openapi.json");
    let document: Value = serde_json::from_str(&fs::read_to_string(document).expect("the document")).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let known = |method: &str, path: &str| {
        let path = template(path);
        let method = method.to_lowercase();
        let is_it = |name: &String| [path.clone(), format!("/api/v1{path}")].contains(&template(name));
        paths.iter().any(|(name, methods)| is_it(name) && methods.get(&method).is_some())
    };
    let (mut count, mut wrong) = (0, Vec::new());
    for page in Page::all() {
        for (line, said) in page.spans() {
            let Some((method, path)) = said.split_once(' ').filter(|(_, path)| path.starts_with('/')) else { continue };
            if ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method) && !path.contains(['…', '[', ' ']) {
                count += 1;
                wrong.extend((!known(method, path)).then(|| format!("{}:{line}: {said}", page.path)));
            }
        }
    }
    assert!(count > 40, "only {count} were found: this test looks for them in the wrong way");
    assert!(wrong.is_empty(), "no such route:\n{}", wrong.join("\n"));
}

/// The names of settings that a text holds.
fn settings(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.split(move |c| !is_part(c)).filter(|word| word.starts_with("PULSE_") && word.len() > 6 && !word.ends_with('_'))
}

fn sources(folder: &Path, known: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, known);
        } else if let Ok(text) = fs::read_to_string(&path) {
            known.extend(settings(&text).map(str::to_owned));
        }
    }
}

#[test]
fn every_setting_that_is_named_is_one() {
    let mut known = BTreeSet::new();
    for folder in
        ["agent/src", "cli/src", "controller/src", "controller/core/src", "protocol/src", "settings/src", "bench/src", "scripts"]
    {
        sources(&root().join(folder), &mut known);
    }
    // Switches of the tests, which no program reads.
    let is_known = |name: &str| {
        let plain = name.strip_suffix("_FILE").unwrap_or(name);
        known.contains(name) || known.contains(plain) || name.starts_with("PULSE_TEST_") || name.starts_with("PULSE_PARAM_")
    };
    let (mut count, mut wrong) = (0, Vec::new());
    for page in Page::all().iter().filter(|page| page.path != "CHANGELOG.md") {
        for (number, line) in page.text.lines().enumerate() {
            for name in settings(line) {
                count += 1;
                wrong.extend((!is_known(name)).then(|| format!("{}:{}: {name}", page.path, number + 1)));
            }
        }
    }
    assert!(count > 100, "only {count} were found: this test looks for them in the wrong way");
    assert!(wrong.is_empty(), "no such setting:\n{}", wrong.join("\n"));
}

/// The numbers of a text, as they are written.
fn numbers(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.' && c != ',');
    words.map(|word| word.trim_matches(['.', ','])).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_figure_of_the_operating_guide_was_measured() {
    let guide = Page::at("docs/operate.md");
    let (_, sizing) = guide.text.split_once("| what | measured |").expect("the table of sizing");
    let rows: Vec<&str> =
        sizing.lines().take_while(|line| line.is_empty() || line.starts_with('|')).filter(|line| line.contains("| ")).collect();
    let measured = numbers(&Page::at("docs/performance.md").text);
    assert!(rows.len() > 6, "only {} rows were found: this test looks for them in the wrong way", rows.len());
    for row in rows {
        let figures = row.split('|').nth(2).expect("a figure");
        let found = numbers(figures);
        assert!(!found.is_empty() && found.is_subset(&measured), "docs/performance.md does not have {figures}");
    }
}
