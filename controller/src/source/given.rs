//! Files that a request brings: a tree without a source, to validate and plan what is not committed yet.

use super::tree::{Commit, Entry, FileFault, NoFile, SourceError, SourceReason, Tree};
use crd_schemas::Problem;
use pulse_core::definitions::{MAX_PINNED_BYTES, PinnedFile};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
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
    entries: Vec<Entry>,
    files: BTreeMap<String, SourceFile>,
}

impl Given {
    /// A tree of these files; of two with the same path the last one counts. As in every source, no manifest's file has a name,
    /// or lies in a folder, that begins with a dot.
    pub fn new(files: Vec<SourceFile>) -> Self {
        let files: BTreeMap<String, SourceFile> = files.into_iter().map(|file| (file.path.clone(), file)).collect();
        let hidden = |path: &str| path.split('/').any(|part| part.starts_with('.'));
        let manifests = files.values().filter(|file| is_manifest(Path::new(&file.path)) && !hidden(&file.path));
        let entries = manifests.map(|file| Entry { path: file.path.clone(), content: content_id(&file.bytes) });
        Self { commit: Commit::default(), entries: entries.collect(), files }
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
        &[]
    }

    fn read(&self, entry: &Entry) -> Result<Vec<u8>, SourceError> {
        let missing = || SourceError { reason: SourceReason::Local, message: format!("`{}` was not given", entry.path) };
        self.files.get(&entry.path).map(|file| file.bytes.clone()).ok_or_else(missing)
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

/// What may hold manifests, by its name.
pub(super) fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Says what a file holds where the source has no word for it.
pub(super) fn content_id(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
