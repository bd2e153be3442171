//! What a source held at one moment, whatever kind of source it is. Reading blocks: it is done off the async threads.

use crd_schemas::Problem;
use pulse_core::Timestamp;
pub use pulse_core::definitions::FileFault;
use pulse_core::definitions::PinnedFile;
pub use pulse_core::source_status::SourceReason;

/// Manifests' files of one source.
pub const MAX_FILES: usize = 10_000;
/// Bytes of these files together.
pub const MAX_MANIFEST_BYTES: usize = 64 << 20;

/// One look at a source. Everything it answers is of the same commit, however long ago it was taken.
pub trait Tree: Send {
    /// The files that may hold manifests, by the rules of [`crd_schemas::listing`], sorted by path, at most [`MAX_FILES`].
    fn manifests(&self) -> &[Entry];

    /// What could not be listed, and why: links, depth, names.
    fn problems(&self) -> &[Problem];

    /// What a manifest's file holds; of one that is too large, a byte more than [`crd_schemas::MAX_FILE_BYTES`].
    fn read(&self, entry: &Entry) -> Result<Vec<u8>, SourceError>;

    /// A file that a manifest uses, at this path relative to the source's root.
    fn file(&self, path: &str) -> Result<PinnedFile, NoFile>;

    /// Says what [`Tree::file`] would answer, where that can be told without reading it: equal words, equal files.
    fn file_content(&self, _path: &str) -> Option<String> {
        None
    }

    /// Which commit this is. Asked last: a plain folder's says what was read of it.
    fn commit(&self) -> Commit;
}

/// A manifest's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Within the repository, or the folder that stands for one: the source's own path is part of it. `/` between parts.
    pub path: String,
    /// Says what it holds: equal contents, equal ids. What was parsed once under this path and id need not be parsed again.
    pub content: String,
}

/// Names by their paths within the repository what was listed below the source's `path`; people look for them there.
pub(super) fn place(path: &str, entries: &mut [Entry], problems: &mut [Problem]) {
    let files = entries.iter_mut().map(|entry| &mut entry.path).chain(problems.iter_mut().map(|problem| &mut problem.file));
    for file in files.filter(|_| !path.is_empty()) {
        *file = if file.is_empty() { path.to_owned() } else { format!("{path}/{file}") };
    }
}

/// There are more manifests' files than [`MAX_FILES`]; this one is the first that is not read.
pub(super) fn too_many_files(path: impl Into<String>) -> Problem {
    let message = format!("the source has more than {MAX_FILES} files of manifests");
    Problem::of_file(path, "too-many-files", message, "put several manifests into one file, `---` between them")
}

/// A commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    /// The object id, 40 hex digits; for a plain folder `folder-` and 12 hex digits.
    pub id: String,
    /// Who made it, `Name <address>`, at most 255 bytes.
    pub author: Option<String>,
    /// The first line of its message, at most 255 bytes.
    pub title: Option<String>,
    /// When it was committed.
    pub at: Option<Timestamp>,
}

/// Why a file that a manifest names cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoFile {
    /// The commit is to blame, and is refused at the place that names the file.
    #[error(transparent)]
    Fault(#[from] FileFault),
    /// The source itself cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Why a source cannot be looked at; `message` is one sentence for people, with the remedy where there is one, and without
/// secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// A word for it.
    pub reason: SourceReason,
    /// What happened.
    pub message: String,
}
