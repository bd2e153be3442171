//! A tree to documents and every problem of the whole set, each with its place. What one file can be asked by itself is kept as long
//! as the file stays the same, so that a look costs what changed; a look with and one without anything kept say the same.

mod cache;
mod files;
mod fresh;

pub use cache::Cache;

use crate::source::tree::{Commit, SourceError, SourceReason, Tree};
use cache::{CheckedDocument, CheckedFile};
use crd_schemas::{Document, Kind, Manifest, Problem, Severity};
use files::UsedFiles;
use pulse_core::definitions::{self, Files};
use pulse_core::plan::WantedObject;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Problems that are kept of one commit.
const MAX_PROBLEMS: usize = 500;

/// A set of manifests, checked.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Which commit it is; without an id where it is none.
    pub commit: Commit,
    /// What the documents without a problem of their own declare, in the order of files.
    pub declared: Vec<Declared>,
    /// Every problem, in the order of files and lines; where there are very many, the first ones and how many more.
    pub problems: Vec<Problem>,
    errors: usize,
    bad_files: usize,
}

/// What one document declares.
#[derive(Debug, Clone)]
pub struct Declared {
    document: Arc<CheckedDocument>,
    /// Says manifest and files.
    pub digest: String,
    /// The files that it uses.
    pub files: Files,
}

/// Checks a tree as one set. `kept` is what a look before has left; the cache that this one leaves holds this tree and no more.
pub fn check(tree: &dyn Tree, kept: &Cache) -> Result<(Checked, Cache), SourceError> {
    let files = fresh::files(tree, kept, CheckedFile::new)?;
    let mut problems: Vec<Problem> =
        tree.problems().iter().chain(files.iter().flat_map(|(_, file)| &file.problems)).cloned().collect();
    let mut used = UsedFiles::new(tree, kept);
    let mut declared = Vec::new();
    for document in files.iter().flat_map(|(_, file)| &file.documents) {
        let (files, signature, missing) = used.of(document)?;
        problems.extend(missing);
        let digest = document.digest(&files, signature);
        declared.push(Declared { document: Arc::clone(document), digest, files });
    }
    let documents: Vec<&Document> = declared.iter().map(|declared| &declared.document.document).collect();
    problems.extend(definitions::set_problems(&documents));
    problems.sort_by(|a, b| (&a.file, a.line, a.column, &a.code).cmp(&(&b.file, b.line, b.column, &b.code)));
    let errors = || problems.iter().filter(|problem| problem.severity == Severity::Error);
    let bad_files = errors().map(|problem| problem.file.as_str()).collect::<BTreeSet<_>>().len();
    let errors = errors().count();
    cut(&mut problems, MAX_PROBLEMS);
    let cache = Cache::new(files, used.finish());
    Ok((Checked { commit: tree.commit(), declared, problems, errors, bad_files }, cache))
}

/// Leaves so many problems, errors first, and one more that says how many there were beside them: an error if one of those was.
fn cut(problems: &mut Vec<Problem>, most: usize) {
    if problems.len() <= most {
        return;
    }
    problems.sort_by_key(|problem| problem.severity != Severity::Error);
    let more = problems.split_off(most);
    let error = more.iter().any(|problem| problem.severity == Severity::Error);
    let Some(last) = problems.last() else { return };
    problems.push(Problem {
        line: last.end_line,
        column: last.end_column,
        severity: if error { Severity::Error } else { Severity::Warning },
        code: "more-problems".to_owned(),
        message: format!("there are {} more problems, which are not listed", more.len()),
        help: Some("mend those that are, and look again".to_owned()),
        pointer: String::new(),
        ..last.clone()
    });
}

/// A commit that together holds more than is taken in.
fn too_large(what: &str, most: usize) -> SourceError {
    let message = format!("the {what} have more than {} MiB together; divide them among several sources", most >> 20);
    SourceError { reason: SourceReason::TooLarge, message }
}

impl Declared {
    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.document.document.manifest
    }

    /// The file that it stands in.
    pub fn path(&self) -> &str {
        self.document.document.path()
    }
}

impl Checked {
    /// How many problems refuse the set, those that are not listed included.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// How many files have such problems.
    pub(super) fn bad_files(&self) -> usize {
        self.bad_files
    }

    /// Every problem, and a warning for each workflow that other sources have, too: `others` says which.
    pub(super) fn problems_beside(&self, others: &BTreeMap<String, Vec<String>>) -> Vec<Problem> {
        let mut problems = self.problems.clone();
        if others.is_empty() || problems.len() > MAX_PROBLEMS {
            return problems;
        }
        let workflows = self.declared.iter().filter(|declared| declared.manifest().kind() == Kind::Workflow);
        problems.extend(workflows.filter_map(|declared| {
            let name = declared.manifest().metadata().name.as_str();
            let sources = others.get(name)?.iter().map(|source| format!("`{source}`")).collect::<Vec<_>>().join(", ");
            let message = format!("source {sources} has a workflow `{name}`, too, so whoever starts one has to name its source");
            let help = Some(format!("rename one of them, or start it by `pulse run {name} --source …`"));
            Some(declared.document.document.problem("/metadata/name", Severity::Warning, "shared-name", message, help))
        }));
        problems.sort_by(|a, b| (&a.file, a.line, a.column, &a.code).cmp(&(&b.file, b.line, b.column, &b.code)));
        cut(&mut problems, MAX_PROBLEMS);
        problems
    }

    /// What the set declares, in the order of [`Checked::declared`].
    pub fn wanted(&self) -> Vec<WantedObject> {
        let wanted = self.declared.iter().map(|declared| WantedObject {
            kind: declared.manifest().kind(),
            name: declared.manifest().metadata().name.clone(),
            digest: declared.digest.clone(),
            path: declared.path().to_owned(),
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

#[cfg(test)]
mod tests;
