//! The mirror: a bare repository below the data folder that nobody but us writes. It can be thrown away at any time, so nothing of
//! it is synced to the disk with care: what does not open, or is damaged, is fetched anew. Each rebuild is a folder of its own,
//! `mirror-<n>.git`, which counts once it holds a whole commit; the one before it goes when the last reader has left it.

use super::fail::local;
use super::limits::{Deadline, Limits};
use crate::source::tree::SourceError;
use git2::{ErrorClass, ErrorCode, Oid, Repository};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// The commits that a mirror holds whole: the branch's, and the one that was last asked for otherwise.
const BRANCH: &str = "refs/pulse/branch";
const OTHER: &str = "refs/pulse/other";

/// One generation of the mirror.
#[derive(Debug)]
pub(super) struct Mirror {
    path: PathBuf,
    number: u64,
    /// Goes when nobody reads it any more.
    retired: AtomicBool,
    damaged: AtomicBool,
}

impl Mirror {
    /// The newest that holds a commit; everything else in the folder goes.
    pub(super) fn newest(folder: &Path) -> Result<Option<Self>, SourceError> {
        fs::create_dir_all(folder).map_err(|error| local(folder, &error))?;
        let mut found: Vec<_> = fs::read_dir(folder).map_err(|error| local(folder, &error))?.filter_map(Result::ok).collect();
        let number = |name: &std::ffi::OsStr| name.to_str()?.strip_prefix("mirror-")?.strip_suffix(".git")?.parse::<u64>().ok();
        found.sort_by_key(|entry| std::cmp::Reverse(number(&entry.file_name())));
        let mut newest = None;
        for entry in found {
            let Some(number) = number(&entry.file_name()) else { continue };
            let mirror = Self::at(folder, number);
            let whole = newest.is_none() && mirror.open().is_ok_and(|repository| !mirror.has(&repository).is_empty());
            mirror.retired.store(!whole, Ordering::Relaxed);
            if !whole {
                tracing::warn!(mirror = %mirror.path.display(), "a mirror that is not whole, or has been replaced, is removed");
            }
            if whole {
                mirror.sweep();
                newest = Some(mirror);
            }
        }
        Ok(newest)
    }

    /// A new and empty one, after this one. It goes again unless it is kept.
    pub(super) fn create(folder: &Path, after: Option<&Self>) -> Result<Self, SourceError> {
        let mirror = Self::at(folder, after.map_or(1, |mirror| mirror.number + 1));
        mirror.retired.store(true, Ordering::Relaxed);
        let _ = fs::remove_dir_all(&mirror.path);
        Repository::init_bare(&mirror.path).map_err(|error| local(&mirror.path, &error.message()))?;
        Ok(mirror)
    }

    fn at(folder: &Path, number: u64) -> Self {
        let path = folder.join(format!("mirror-{number}.git"));
        Self { path, number, retired: AtomicBool::new(false), damaged: AtomicBool::new(false) }
    }

    pub(super) fn open(&self) -> Result<Repository, git2::Error> {
        Repository::open_bare(&self.path)
    }

    /// From now on this is the mirror.
    pub(super) fn keep(&self) {
        self.retired.store(false, Ordering::Relaxed);
    }

    /// Another one has taken its place.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// Something in it cannot be read.
    pub(super) fn damage(&self) {
        self.damaged.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// The commits that it holds whole.
    pub(super) fn has(&self, repository: &Repository) -> Vec<Oid> {
        let tips = [BRANCH, OTHER].into_iter().filter_map(|name| repository.refname_to_id(name).ok());
        let odb = repository.odb().ok();
        let mut tips: Vec<_> = tips.filter(|id| odb.as_ref().is_some_and(|odb| odb.exists(*id))).collect();
        tips.dedup();
        tips
    }

    /// Notes that it holds this commit whole.
    pub(super) fn note(&self, repository: &Repository, id: Oid, branch: bool) -> Result<(), SourceError> {
        let name = if branch { BRANCH } else { OTHER };
        if repository.refname_to_id(name).is_ok_and(|known| known == id) {
            return Ok(());
        }
        let noted = repository.reference(name, id, true, "");
        noted.map(drop).map_err(|error| local(&self.path, &error.message()))
    }

    /// It has grown so far that a new one is less than it.
    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        let files = fs::read_dir(self.packs()).into_iter().flatten().filter_map(Result::ok);
        let (mut packs, mut bytes) = (0, 0);
        for file in files {
            packs += usize::from(file.path().extension().is_some_and(|extension| extension == "pack"));
            bytes += file.metadata().map_or(0, |data| data.len());
        }
        packs >= limits.mirror_packs || bytes >= limits.mirror_bytes
    }

    /// Removes what a fetch left behind that was cut off in the middle.
    fn sweep(&self) {
        let files = fs::read_dir(self.packs()).into_iter().flatten().filter_map(Result::ok);
        let left =
            files.map(|file| file.path()).filter(|path| !path.extension().is_some_and(|end| end == "pack" || end == "idx"));
        left.for_each(|path| drop(fs::remove_file(path)));
    }

    fn packs(&self) -> PathBuf {
        self.path.join("objects/pack")
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        if self.retired.load(Ordering::Relaxed) {
            // What stays is removed at the next start.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Takes a pack in: `feed` writes it. It counts as a whole, or not at all.
pub(super) fn take_in<E>(
    repository: &Repository,
    deadline: Deadline,
    feed: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), git2::Error>) -> Result<(), E>,
    blame: impl FnOnce(git2::Error) -> E,
) -> Result<(), E> {
    let odb = match repository.odb() {
        Ok(odb) => odb,
        Err(error) => return Err(blame(error)),
    };
    let mut writer = match odb.packwriter() {
        Ok(writer) => writer,
        Err(error) => return Err(blame(error)),
    };
    writer.progress(move |_| !deadline.is_over());
    let mut empty = true;
    feed(&mut |piece| {
        empty = empty && piece.is_empty();
        writer.write_all(piece).map_err(|_| git2::Error::last_error(-1))
    })?;
    if empty {
        return Err(blame(git2::Error::new(ErrorCode::GenericError, ErrorClass::Indexer, "the pack is empty")));
    }
    writer.commit().map(drop).map_err(blame)
}

/// This machine, not the remote, is to blame.
pub(super) fn is_local(error: &git2::Error) -> bool {
    matches!(error.class(), ErrorClass::Os | ErrorClass::Filesystem | ErrorClass::NoMemory)
}
