//! A plain folder as a source, for development: every `*.yaml` and `*.yml` below it, bounded, in a stable order, and the files that
//! these use. Its commit is the digest of what was read.

mod listing;
mod used;

use super::given::hex;
use super::tree::{Commit, Entry, NoFile, SourceError, SourceReason, Tree};
use super::{Place, Source, Watch};
use crd_schemas::Problem;
use listing::Listing;
use pulse_core::definitions::PinnedFile;
use pulse_core::source_status::{SourceAddress, SourceKind};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Looks at a folder that changes while it is read.
const SETTLE_TRIES: usize = 50;
/// Between two looks.
const SETTLE: Duration = Duration::from_millis(100);

/// A folder of manifests; clones share what was seen last.
#[derive(Debug, Clone)]
pub struct Folder {
    /// What stands for a repository.
    base: PathBuf,
    /// The path below it that is the source's root; empty for all of it.
    path: String,
    /// The source's root.
    root: PathBuf,
    /// Digest of the manifests that stood still last.
    settled: Arc<Mutex<Option<String>>>,
}

/// What a folder held at one moment.
struct FolderTree {
    root: PathBuf,
    listing: Listing,
    /// The files that were asked for, each with what came of it.
    used: RefCell<BTreeMap<String, String>>,
}

impl Folder {
    /// The folder at this path.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self { base: root.clone(), path: String::new(), root, settled: Arc::default() }
    }

    /// What lies below this path of the folder, `/` between parts; empty for all of it.
    pub fn below(self, path: &str) -> Self {
        let root = if path.is_empty() { self.base.clone() } else { self.base.join(path) };
        Self { path: path.to_owned(), root, ..self }
    }

    /// Reads it until two looks in a row see the same, so that a file that an editor is just writing, empty or half, is not
    /// taken for a commit. What was seen last needs no second look.
    fn settle(&self) -> Result<Listing, SourceError> {
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = self.list()?;
        for _ in 0..SETTLE_TRIES {
            if settled.as_ref() == Some(&before.digest) {
                return Ok(before);
            }
            pause(SETTLE);
            let now = self.list()?;
            if now.digest == before.digest {
                *settled = Some(now.digest.clone());
                return Ok(now);
            }
            before = now;
        }
        let root = self.root.display();
        let message = format!("the folder {root} never stands still; what is live stays live until it does");
        Err(SourceError { reason: SourceReason::Restless, message })
    }

    fn list(&self) -> Result<Listing, SourceError> {
        let entries = fs::read_dir(&self.root).map_err(|error| {
            let message = format!("the folder {} cannot be read: {error}", self.root.display());
            SourceError { reason: SourceReason::Unreachable, message }
        })?;
        Ok(Listing::read(entries, &self.path))
    }
}

impl Source for Folder {
    fn address(&self) -> SourceAddress {
        let path = Some(self.path.clone()).filter(|path| !path.is_empty());
        SourceAddress { kind: SourceKind::Folder, url: self.base.display().to_string(), branch: None, path }
    }

    fn look(&self) -> Result<Box<dyn Tree>, SourceError> {
        Ok(Box::new(FolderTree { root: self.root.clone(), listing: self.settle()?, used: RefCell::default() }))
    }

    fn look_at(&self, reference: &str) -> Result<Box<dyn Tree>, SourceError> {
        let message =
            format!("`{reference}` cannot be looked up: the source is a plain folder, which has no branches, tags or commits");
        Err(SourceError { reason: SourceReason::BranchMissing, message })
    }

    fn is_watched(&self) -> bool {
        true
    }

    fn watch(&self, known: Option<Place>) -> Option<Watch> {
        Watch::unless(&self.root, known)
    }
}

impl Tree for FolderTree {
    fn manifests(&self) -> &[Entry] {
        &self.listing.entries
    }

    fn problems(&self) -> &[Problem] {
        &self.listing.problems
    }

    fn read(&self, entry: &Entry) -> Result<Vec<u8>, SourceError> {
        let place = self.listing.entries.binary_search_by(|known| known.path.cmp(&entry.path));
        let content = place.ok().and_then(|index| self.listing.contents.get(index)).cloned();
        let gone = || SourceError { reason: SourceReason::Local, message: format!("`{}` was not read", entry.path) };
        content.ok_or_else(gone)
    }

    fn file(&self, path: &str) -> Result<PinnedFile, NoFile> {
        let file = used::read(&self.root, path);
        let said = match &file {
            Ok(file) => format!("{} {}", file.executable, file.digest()),
            Err(fault) => fault.to_string(),
        };
        self.used.borrow_mut().insert(path.to_owned(), said);
        file
    }

    fn commit(&self) -> Commit {
        let mut hash = Sha256::new_with_prefix(&self.listing.digest);
        for (path, said) in self.used.borrow().iter() {
            hash.update(format!("{path:?} {said:?}\n"));
        }
        let id = format!("folder-{}", &hex(&hash.finalize())[..12]);
        Commit { id, ..Commit::default() }
    }
}

#[expect(clippy::disallowed_methods, reason = "an editor says nothing when it has written; only a second look can tell")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

#[cfg(test)]
mod tests;
