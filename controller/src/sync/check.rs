//! Files to documents and every problem of the whole set, each with its place.

use crate::source::SourceFile;
use crd_schemas::{Document, Problem, Severity, parse_file};
use pulse_core::definitions::{self, Files, digest};
use pulse_core::plan::WantedObject;
use sha2::{Digest, Sha256};

/// A set of manifests, checked.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The documents without a problem of their own.
    pub documents: Vec<Document>,
    /// Every problem, in the order of files and lines.
    pub problems: Vec<Problem>,
}

/// Checks files as one set. `found` is what reading them has found already.
pub fn check(files: &[SourceFile], found: Vec<Problem>) -> Checked {
    let (mut documents, mut problems) = (Vec::new(), found);
    for file in files {
        let parsed = parse_file(&file.path, &file.bytes);
        documents.extend(parsed.documents);
        problems.extend(parsed.problems);
    }
    problems.extend(definitions::problems(&documents));
    problems.sort_by(|a, b| (&a.file, a.line, a.column, &a.code).cmp(&(&b.file, b.line, b.column, &b.code)));
    Checked { documents, problems }
}

impl Checked {
    /// How many problems refuse the set.
    pub fn errors(&self) -> usize {
        self.problems.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    /// What the set declares.
    pub fn wanted(&self) -> Vec<WantedObject> {
        let wanted = self.documents.iter().map(|document| WantedObject {
            kind: document.manifest.kind(),
            name: document.manifest.metadata().name.clone(),
            digest: digest(&document.manifest, &Files::new()),
            path: document.path().to_owned(),
        });
        wanted.collect()
    }
}

/// Digest of everything that a set declares.
pub(super) fn set_digest(wanted: &[WantedObject]) -> String {
    let mut lines: Vec<String> =
        wanted.iter().map(|object| format!("{} {} {} {:?}\n", object.kind, object.name, object.digest, object.path)).collect();
    lines.sort();
    Sha256::digest(lines.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}
