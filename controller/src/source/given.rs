//! Files that a request brings: a tree without a source, to validate and plan what is not committed yet.

use super::tree::{Commit, Entry, FileFault, MAX_FILES, NoFile, SourceError, SourceReason, Tree, place, too_many_files};
use crd_schemas::Problem;
use crd_schemas::listing::manifests_among;
use pulse_core::definitions::{MAX_PINNED_BYTES, PinnedFile};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the source's root, `/` between parts.
    pub path: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Its mode lets it be executed.
    pub executable: bool,
}

/// Files as a tree.
#[derive(Debug, Clone)]
pub struct Given {
    commit: Commit,
    /// Where in the repository it lies; empty for all of it.
    path: String,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
    files: BTreeMap<String, SourceFile>,
}

impl Given {
    /// A tree of these files; of two with the same path the last one counts. Names are judged as in every source.
    pub fn new(files: Vec<SourceFile>) -> Self {
        let files: BTreeMap<String, SourceFile> = files.into_iter().map(|file| (file.path.clone(), file)).collect();
        let (manifests, mut problems) = manifests_among(files.keys().map(String::as_str));
        problems.extend(manifests.get(MAX_FILES).map(|path| too_many_files(*path)));
        let entry = |path: &str| Some(Entry { path: path.to_owned(), content: content_id(&files.get(path)?.bytes) });
        let entries = manifests.into_iter().take(MAX_FILES).filter_map(entry).collect();
        Self { commit: Commit::default(), path: String::new(), entries, problems, files }
    }

    /// The same as what lies below this path of a repository; empty for all of it.
    pub fn below(mut self, path: &str) -> Self {
        place(path, &mut self.entries, &mut self.problems);
        Self { path: path.to_owned(), ..self }
    }

    /// The same as this commit.
    pub fn at(self, commit: Commit) -> Self {
        Self { commit, ..self }
    }
}

impl Tree for Given {
    fn manifests(&self) -> &[Entry] {
        &self.entries
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn read(&self, entry: &Entry) -> Result<Vec<u8>, SourceError> {
        let missing = || SourceError { reason: SourceReason::Local, message: format!("`{}` was not given", entry.path) };
        let path = if self.path.is_empty() { Some(&*entry.path) } else { entry.path.strip_prefix(&format!("{}/", self.path)) };
        path.and_then(|path| self.files.get(path)).map(|file| file.bytes.clone()).ok_or_else(missing)
    }

    fn file(&self, path: &str) -> Result<PinnedFile, NoFile> {
        let file = self.files.get(path).ok_or_else(|| FileFault::Missing(path.to_owned()))?;
        if file.bytes.len() > MAX_PINNED_BYTES {
            return Err(FileFault::TooLarge { path: path.to_owned(), bytes: file.bytes.len() as u64 }.into());
        }
        Ok(PinnedFile { executable: file.executable, content: Arc::new(file.bytes.clone()) })
    }

    fn file_content(&self, path: &str) -> Option<String> {
        self.files.get(path).map(|file| format!("{} {}", content_id(&file.bytes), file.executable))
    }

    fn commit(&self) -> Commit {
        self.commit.clone()
    }
}

/// Says what a file holds where the source has no word for it.
pub(super) fn content_id(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Given, SourceFile};
    use crate::source::tree::{MAX_FILES, Tree};

    fn given(paths: &[&str]) -> Given {
        let file = |path: &&str| SourceFile { path: (*path).to_owned(), bytes: path.as_bytes().to_vec(), executable: false };
        Given::new(paths.iter().map(file).collect())
    }

    fn said(tree: &Given) -> (Vec<&str>, Vec<(&str, &str)>) {
        let problems = tree.problems().iter().map(|problem| (problem.file.as_str(), problem.code.as_str()));
        (tree.manifests().iter().map(|entry| entry.path.as_str()).collect(), problems.collect())
    }

    #[test]
    fn names_are_judged_as_in_every_source() {
        let tree = given(&["b.yml", ".github/x.yml", "../a.yaml", "A.yaml", "a.yaml", "run.sh"]);
        let problems = vec![("../a.yaml", "bad-file-name"), ("a.yaml", "ambiguous-file-name")];
        assert_eq!(said(&tree), (vec!["A.yaml", "b.yml"], problems));
        let names: Vec<_> = (0..=MAX_FILES).map(|number| format!("{number:05}.yaml")).collect();
        let tree = given(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((tree.manifests().len(), said(&tree).1), (MAX_FILES, vec![("10000.yaml", "too-many-files")]));
    }

    #[test]
    fn below_a_path_files_are_named_by_it_and_used_without_it() {
        let tree = given(&["a.yaml", "A.yaml", "sub/run.sh"]).below("ops");
        assert_eq!(said(&tree), (vec!["ops/A.yaml"], vec![("ops/a.yaml", "ambiguous-file-name")]));
        assert_eq!(tree.read(&tree.manifests()[0]).unwrap(), b"A.yaml");
        assert!(tree.file("sub/run.sh").is_ok() && tree.file("ops/sub/run.sh").is_err());
    }
}
