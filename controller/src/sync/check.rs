//! A tree to documents and every problem of the whole set, each with its place.

use super::SyncError;
use super::aside::aside;
use crate::source::tree::{Commit, SourceError, Tree};
use crate::source::{Given, SourceFile};
use crd_schemas::{Document, Problem, Severity, parse_file};
use pulse_core::definitions::{self, Files, digest};
use pulse_core::plan::WantedObject;
use sha2::{Digest, Sha256};

/// A set of manifests, checked.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Which commit it is; without an id where it is none.
    pub commit: Commit,
    /// The documents without a problem of their own.
    pub documents: Vec<Document>,
    /// Every problem, in the order of files and lines.
    pub problems: Vec<Problem>,
}

/// Checks a tree as one set.
pub fn check(tree: &dyn Tree) -> Result<Checked, SourceError> {
    let (mut documents, mut problems) = (Vec::new(), tree.problems().to_vec());
    for entry in tree.manifests() {
        let parsed = parse_file(&entry.path, &tree.read(entry)?);
        documents.extend(parsed.documents);
        problems.extend(parsed.problems);
    }
    problems.extend(definitions::problems(&documents));
    problems.sort_by(|a, b| (&a.file, a.line, a.column, &a.code).cmp(&(&b.file, b.line, b.column, &b.code)));
    Ok(Checked { commit: tree.commit(), documents, problems })
}

/// Checks files that no source holds.
pub async fn check_given(files: Vec<SourceFile>) -> Result<Checked, SyncError> {
    Ok(aside("given", move || check(&Given::new(files))).await??)
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
