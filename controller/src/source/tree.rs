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
/// Folders inside each other.
pub const MAX_DEPTH: usize = 32;

/// One look at a source. Everything it answers is of the same commit, however long ago it was taken.
pub trait Tree: Send {
    /// The files that may hold manifests (`*.yaml`, `*.yml`, none that begins with a dot), sorted by path, bounded by
    /// [`MAX_FILES`] and [`MAX_DEPTH`].
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
    /// Relative to the source's root, `/` between parts.
    pub path: String,
    /// Says what it holds: equal contents, equal ids. What was parsed once under this path and id need not be parsed again.
    pub content: String,
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
