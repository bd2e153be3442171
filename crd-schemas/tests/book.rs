//! The book: each page has its place in it, each link leads somewhere, and each example of YAML is read. mdBook itself is not
//! needed for that; `make book` has it.

#[expect(dead_code, reason = "other crates read more of the pages")]
#[path = "book/pages.rs"]
mod pages;

use crd_schemas::parse_file;
use pages::{Block, Page, root};
use std::collections::BTreeMap;

/// The pages that `SUMMARY.md` names, in order.
fn chapters() -> Vec<String> {
    Page::at("docs/SUMMARY.md").links().into_iter().map(|(_, link)| format!("docs/{link}")).collect()
}

#[test]
fn every_page_has_one_place_in_the_book() {
    // `scripts/book` makes these two of the pages at the root.
    let made = ["docs/architecture.md", "docs/changelog.md"];
    let mut chapters = chapters();
    chapters.retain(|path| !made.contains(&path.as_str()));
    let count = chapters.len();
    chapters.sort();
    chapters.dedup();
    assert_eq!(chapters.len(), count, "docs/SUMMARY.md names a page twice");
    let pages = Page::all().into_iter().map(|page| page.path);
    let pages: Vec<String> = pages.filter(|path| path.starts_with("docs/") && path != "docs/SUMMARY.md").collect();
    let without = |of: &[String], others: &[String]| of.iter().filter(|path| !others.contains(path)).cloned().collect::<Vec<_>>();
    assert_eq!(without(&pages, &chapters), Vec::<String>::new(), "give them a line in docs/SUMMARY.md");
    assert_eq!(without(&chapters, &pages), Vec::<String>::new(), "docs/SUMMARY.md names them, and there is no such page");
}

/// Where a link leads, as a path below the root, and the anchor within it.
fn target(page: &str, link: &str) -> Result<(String, Option<String>), String> {
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor.to_owned())));
    if path.is_empty() {
        return Ok((page.to_owned(), anchor));
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return Err("leads out of the repository".to_owned()),
            ".." => {}
            part => parts.push(part),
        }
    }
    Ok((parts.join("/"), anchor))
}

fn complaint(pages: &BTreeMap<String, Page>, page: &Page, link: &str) -> Option<String> {
    if ["https://", "http://", "mailto:"].iter().any(|scheme| link.starts_with(scheme)) {
        return None;
    }
    let (path, anchor) = match target(&page.path, link) {
        Ok(found) => found,
        Err(complaint) => return Some(complaint),
    };
    if page.path == "docs/SUMMARY.md" && ["docs/architecture.md", "docs/changelog.md"].contains(&path.as_str()) {
        return None;
    }
    if !root().join(&path).exists() {
        return Some(format!("there is no {path}"));
    }
    let anchor = anchor?;
    let found = pages.get(&path)?.anchors();
    (!found.contains(&anchor)).then(|| format!("{path} has no heading #{anchor}; it has {found:?}"))
}

#[test]
fn every_link_leads_somewhere() {
    let pages: BTreeMap<String, Page> = Page::all().into_iter().map(|page| (page.path.clone(), page)).collect();
    let mut complaints = Vec::new();
    let mut count = 0;
    for page in pages.values() {
        for (line, link) in page.links() {
            count += 1;
            complaints.extend(complaint(&pages, page, &link).map(|said| format!("{}:{line}: ({link}): {said}", page.path)));
        }
    }
    assert!(count > 200, "only {count} links were found: this test looks for them in the wrong way");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// A step alone, or some, as a whole manifest; their `goto` and `from` may name these.
fn with_steps(steps: &str) -> String {
    const HEAD: &str = "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  steps:\n";
    let indented: String = steps.lines().map(|line| format!("    {line}\n")).collect();
    format!("{HEAD}{indented}")
}

/// What is wrong with an example. YAML that is none of PULSE's manifests is only YAML.
fn problems(block: &Block) -> Vec<String> {
    let whole = block.text.contains("apiVersion: pulse.dev/");
    let steps = ["- id:", "- {id:"].iter().any(|start| block.text.starts_with(start));
    if !whole && !steps {
        let read = serde_saphyr::from_multiple::<serde_json::Value>(&block.text);
        return read.err().map(|error| error.to_string()).into_iter().collect();
    }
    let text = if whole { block.text.clone() } else { with_steps(&block.text) };
    let parsed = parse_file("example.yaml", text.as_bytes());
    let elsewhere = |said: &str| steps && said.contains("error[unknown-step]");
    parsed.problems.iter().map(ToString::to_string).filter(|said| !elsewhere(said)).collect()
}

#[test]
fn every_example_of_yaml_is_read() {
    let (mut complaints, mut count) = (Vec::new(), 0);
    for page in Page::all() {
        for block in page.blocks().iter().filter(|block| block.info == "yaml") {
            count += 1;
            complaints.extend(problems(block).iter().map(|said| format!("{}:{}: {said}", page.path, block.line)));
        }
    }
    assert!(count > 20, "only {count} examples were found: this test looks for them in the wrong way");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
