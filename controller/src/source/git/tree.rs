//! One commit, and its files read from the object database: no work tree, so there is nothing that a path could escape to.

use super::fail::fail;
use super::list::Listing;
use super::mirror::Mirror;
use super::objects::{Kind, Objects};
use crate::source::tree::{Commit, Entry, FileFault, SourceError, SourceReason, Tree};
use crd_schemas::{MAX_FILE_BYTES, Problem};
use git2::{Oid, Repository, Signature};
use pulse_core::Timestamp;
use pulse_core::definitions::{MAX_PINNED_BYTES, PinnedFile};
use std::fmt;
use std::sync::Arc;

/// Most bytes of an author and of a title.
const MAX_TEXT: usize = 255;
/// How the file begins that Git LFS puts in a large file's place.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";

/// A commit's tree below the source's path. It can be read for as long as it is held, whatever the source does meanwhile.
pub struct GitTree {
    repository: Repository,
    /// `None` where the remote itself is read.
    mirror: Option<Arc<Mirror>>,
    root: Oid,
    listing: Listing,
    commit: Commit,
}

/// Why a commit cannot be listed.
pub(super) enum Unlisted {
    /// An object is missing or damaged.
    Damaged(git2::Error),
    /// The commit is whole, but not what it should be.
    Unfit(SourceError),
}

impl From<git2::Error> for Unlisted {
    fn from(error: git2::Error) -> Self {
        Self::Damaged(error)
    }
}

impl GitTree {
    /// Lists a commit, or what a tag points to.
    pub(super) fn list(repository: Repository, mirror: Option<Arc<Mirror>>, id: Oid, path: &str) -> Result<Self, Unlisted> {
        let (commit, root, listing) = {
            let found = repository.find_object(id, None)?;
            let found = found.peel_to_commit().map_err(|_| {
                Unlisted::Unfit(fail(SourceReason::BranchMissing, format!("{id} is no commit; name a branch, a tag or a commit")))
            })?;
            let objects = Objects(repository.odb()?);
            let root = root(&objects, found.tree_id(), path, &found.id().to_string())?;
            (told(&found), root, Listing::of(&objects, root)?)
        };
        Ok(Self { repository, mirror, root, listing, commit })
    }

    fn damaged(&self, what: &str, error: &git2::Error) -> SourceError {
        if let Some(mirror) = &self.mirror {
            mirror.damage();
        }
        let message =
            format!("`{what}` of commit {} cannot be read ({}); the mirror is fetched anew", self.commit.id, error.message());
        fail(SourceReason::Corrupt, message)
    }

    fn pinned(&self, path: &str) -> Result<PinnedFile, FileFault> {
        let unreadable =
            |error: git2::Error| FileFault::Unreadable { path: path.to_owned(), reason: self.damaged(path, &error).message };
        let not_a_file = |what| FileFault::NotAFile { path: path.to_owned(), what };
        let objects = Objects(self.repository.odb().map_err(unreadable)?);
        let entry = objects.find(self.root, path.split('/')).map_err(unreadable)?;
        let entry = entry.ok_or_else(|| FileFault::Missing(path.to_owned()))?;
        match entry.kind() {
            Kind::File => {}
            Kind::Folder => return Err(not_a_file("a folder")),
            Kind::Link => return Err(not_a_file("a symbolic link")),
            Kind::Submodule => return Err(not_a_file("a submodule")),
            Kind::Other => return Err(not_a_file("of an unknown mode")),
        }
        let bytes = objects.size(entry.id).map_err(unreadable)?;
        if bytes > MAX_PINNED_BYTES as u64 {
            return Err(FileFault::TooLarge { path: path.to_owned(), bytes });
        }
        let content = objects.0.read(entry.id).map_err(unreadable)?.data().to_vec();
        if content.starts_with(LFS) {
            let reason = "it is a pointer of Git LFS, which is not supported; commit the file itself".to_owned();
            return Err(FileFault::Unreadable { path: path.to_owned(), reason });
        }
        Ok(PinnedFile { executable: entry.is_executable(), content: Arc::new(content) })
    }
}

impl Tree for GitTree {
    fn manifests(&self) -> &[Entry] {
        &self.listing.entries
    }

    fn problems(&self) -> &[Problem] {
        &self.listing.problems
    }

    fn read(&self, entry: &Entry) -> Result<Vec<u8>, SourceError> {
        let read = || {
            let id = Oid::from_str(&entry.content)?;
            let objects = Objects(self.repository.odb()?);
            if objects.size(id)? > MAX_FILE_BYTES as u64 {
                // It is refused for its length, and nobody inflates gigabytes for that.
                return Ok(vec![b'#'; MAX_FILE_BYTES + 1]);
            }
            Ok(objects.0.read(id)?.data().to_vec())
        };
        read().map_err(|error: git2::Error| self.damaged(&entry.path, &error))
    }

    fn file(&self, path: &str) -> Result<PinnedFile, FileFault> {
        let good = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.eq_ignore_ascii_case(".git");
        if path.chars().any(char::is_control) || !path.split('/').all(good) {
            return Err(FileFault::BadPath(path.escape_debug().to_string()));
        }
        self.pinned(path)
    }

    fn file_content(&self, path: &str) -> Option<String> {
        let objects = Objects(self.repository.odb().ok()?);
        let entry = objects.find(self.root, path.split('/')).ok()??;
        // A file's mode is no part of its blob, but of what is pinned.
        (entry.kind() == Kind::File).then(|| format!("{} {}", entry.id, entry.is_executable()))
    }

    fn commit(&self) -> Commit {
        self.commit.clone()
    }
}

impl fmt::Debug for GitTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitTree").field("commit", &self.commit).field("manifests", &self.listing.entries.len()).finish()
    }
}

/// The tree at the source's path.
fn root(objects: &Objects<'_>, tree: Oid, path: &str, commit: &str) -> Result<Oid, Unlisted> {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    let what = match objects.find(tree, parts)? {
        Some(entry) if entry.kind() == Kind::Folder => return Ok(entry.id),
        Some(entry) if entry.kind() == Kind::Link => "is, or lies below, a symbolic link",
        Some(entry) if entry.kind() == Kind::Submodule => "is, or lies in, a submodule",
        Some(_) => "is a file",
        None => "does not exist",
    };
    let message = format!("the folder `{path}` {what} in commit {commit}; set PULSE_SOURCE_PATH to a folder of the repository");
    Err(Unlisted::Unfit(fail(SourceReason::PathMissing, message)))
}

/// What people are told of a commit.
fn told(commit: &git2::Commit<'_>) -> Commit {
    let name = |who: &Signature<'_>| {
        let (name, address) = (String::from_utf8_lossy(who.name_bytes()), String::from_utf8_lossy(who.email_bytes()));
        bounded(&format!("{name} <{address}>"))
    };
    let message = String::from_utf8_lossy(commit.message_raw_bytes()).into_owned();
    Commit {
        id: commit.id().to_string(),
        author: Some(name(&commit.author())),
        title: message.lines().find(|line| !line.trim().is_empty()).map(bounded),
        at: Some(Timestamp(commit.time().seconds().saturating_mul(1_000_000))),
    }
}

/// One line without control characters, at most so many bytes.
fn bounded(text: &str) -> String {
    let mut text: String = text.trim().chars().map(|c| if is_control(c) { '\u{fffd}' } else { c }).collect();
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}

/// Control characters, and those that turn the direction of text round.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
