//! Findings become problems with places in files. One way for the controller's syncs and for `pulse validate`, so that both say
//! the same.

use super::{FileFault, FileRef, FileUse, Files, Finding, check_files, check_own, check_set};
use crd_schemas::{Document, Manifest, Problem, Severity};

/// What no parser can say: templates, expressions, targets, names of the whole set.
pub fn problems(documents: &[Document]) -> Vec<Problem> {
    let set: Vec<&Document> = documents.iter().collect();
    documents.iter().flat_map(own_problems).chain(set_problems(&set)).collect()
}

/// What one document can be asked by itself. It stays the same as long as its text does.
pub fn own_problems(document: &Document) -> Vec<Problem> {
    check_own(&document.manifest).into_iter().map(|finding| placed(document, finding)).collect()
}

/// What only the whole set can say.
pub fn set_problems(documents: &[&Document]) -> Vec<Problem> {
    let manifests: Vec<&Manifest> = documents.iter().map(|document| &document.manifest).collect();
    let place = |index: usize| match documents.get(index) {
        Some(document) => FileRef { path: document.path().to_owned(), line: document.line("") },
        None => FileRef { path: String::new(), line: 0 },
    };
    let findings = check_set(&manifests, place).into_iter();
    findings.filter_map(|(index, finding)| Some(placed(documents.get(index)?, finding))).collect()
}

/// A file that a document names cannot be used; `fault` says why.
pub fn file_problem(document: &Document, used: &FileUse, fault: &FileFault) -> Problem {
    let help = "put the file into the source, or correct the path, which starts at the source's root";
    document.problem(&used.pointer, Severity::Error, "missing-file", fault.to_string(), Some(help.to_owned()))
}

/// What the files of a document, once they are read, are to be asked together.
pub fn files_problems(document: &Document, files: &Files) -> Vec<Problem> {
    check_files(&document.manifest, files).into_iter().map(|finding| placed(document, finding)).collect()
}

/// A finding's pointer becomes a place in the file.
fn placed(document: &Document, finding: Finding) -> Problem {
    let Finding { pointer, offset, severity, code, message, help } = finding;
    match offset {
        Some((offset, length)) => document.problem_within(&pointer, offset, length, severity, code, message, help),
        None => document.problem(&pointer, severity, code, message, help),
    }
}
