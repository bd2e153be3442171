//! Findings of a set become problems with places in files. One way for the controller's syncs and for `pulse validate`, so that
//! both say the same.

use super::{FileRef, Finding, check};
use crd_schemas::{Document, Problem};

/// What no file can be asked by itself: templates, expressions, targets, names of the whole set.
pub fn problems(documents: &[Document]) -> Vec<Problem> {
    let place = |document: &Document| FileRef { path: document.path().to_owned(), line: document.line("") };
    let set: Vec<_> = documents.iter().map(|document| (place(document), document.manifest.clone())).collect();
    let findings = check(&set).into_iter();
    findings.filter_map(|(index, finding)| Some(placed(documents.get(index)?, finding))).collect()
}

/// A finding's pointer becomes a place in the file.
fn placed(document: &Document, finding: Finding) -> Problem {
    let Finding { pointer, offset, severity, code, message, help } = finding;
    match offset {
        Some((offset, length)) => document.problem_within(&pointer, offset, length, severity, code, message, help),
        None => document.problem(&pointer, severity, code, message, help),
    }
}
