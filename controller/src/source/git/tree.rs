//! One commit, and its files read from the object database: no work tree, so there is nothing that a path could escape to.

use super::fail::fail;
use super::limits::Deadline;
use super::list::Listing;
use super::mirror::Mirror;
use super::objects::{Kind, Known, Objects, is_too_large};
use crate::source::tree::{Commit, Entry, FileFault, NoFile, SourceError, SourceReason, Tree, place};
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

/// A commit's tree below the source's path. It can be read until its look's deadline, whatever the source does meanwhile.
pub struct GitTree {
    repository: Repository,
    known: Known,
    deadline: Deadline,
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
    /// There was no time left.
    Late,
}

impl From<git2::Error> for Unlisted {
    fn from(error: git2::Error) -> Self {
        match is_too_large(&error) {
            true => Self::Unfit(too_large(&error)),
            false => Self::Damaged(error),
        }
    }
}

impl GitTree {
    /// Lists a commit, or what a tag points to.
    pub(super) fn list(
        repository: Repository,
        mirror: Option<Arc<Mirror>>,
        id: Oid,
        path: &str,
        deadline: Deadline,
    ) -> Result<Self, Unlisted> {
        let known = Known::default();
        let (commit, root, listing) = {
            let objects = Objects::of(&repository, &known)?;
            let found = objects.commit(&repository, id)?.ok_or_else(|| {
                Unlisted::Unfit(fail(SourceReason::BranchMissing, format!("{id} is no commit; name a branch, a tag or a commit")))
            })?;
            let root = root(&objects, found.tree_id(), path, &found.id().to_string())?;
            let mut listing = Listing::of(&objects, root, deadline)?;
            place(path, &mut listing.entries, &mut listing.problems);
            (told(&found), root, listing)
        };
        Ok(Self { repository, known, deadline, mirror, root, listing, commit })
    }

    fn objects(&self) -> Result<Objects<'_>, git2::Error> {
        Objects::of(&self.repository, &self.known)
    }

    /// A look that is still read after its time is given up; what of it hangs or crawls must not do so for ever.
    fn in_time(&self) -> Result<(), SourceError> {
        match self.deadline.is_over() {
            true => Err(fail(SourceReason::TimedOut, late(&self.commit.id))),
            false => Ok(()),
        }
    }

    fn damaged(&self, what: &str, error: &git2::Error) -> SourceError {
        if is_too_large(error) {
            return too_large(error);
        }
        if let Some(mirror) = &self.mirror {
            mirror.damage();
        }
        let message =
            format!("`{what}` of commit {} cannot be read ({}); the mirror is fetched anew", self.commit.id, error.message());
        fail(SourceReason::Corrupt, message)
    }

    fn pinned(&self, path: &str) -> Result<PinnedFile, NoFile> {
        let damaged = |error: git2::Error| NoFile::Source(self.damaged(path, &error));
        let not_a_file = |what| NoFile::from(FileFault::NotAFile { path: path.to_owned(), what });
        let objects = self.objects().map_err(damaged)?;
        let entry = objects.find(self.root, path.split('/')).map_err(damaged)?;
        let entry = entry.ok_or_else(|| FileFault::Missing(path.to_owned()))?;
        match entry.kind() {
            Kind::File => {}
            Kind::Folder => return Err(not_a_file("a folder")),
            Kind::Link => return Err(not_a_file("a symbolic link")),
            Kind::Submodule => return Err(not_a_file("a submodule")),
            Kind::Other => return Err(not_a_file("of an unknown mode")),
        }
        let bytes = objects.size(entry.id).map_err(damaged)?;
        if bytes > MAX_PINNED_BYTES as u64 {
            return Err(FileFault::TooLarge { path: path.to_owned(), bytes }.into());
        }
        let content = objects.file(entry.id).map_err(damaged)?;
        if content.starts_with(LFS) {
            let reason = "it is a pointer of Git LFS, which is not supported; commit the file itself".to_owned();
            return Err(FileFault::Unreadable { path: path.to_owned(), reason }.into());
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
        self.in_time()?;
        let read = || {
            let id = Oid::from_str(&entry.content)?;
            let objects = self.objects()?;
            if objects.size(id)? > MAX_FILE_BYTES as u64 {
                // It is refused for its length, and nobody inflates gigabytes for that.
                return Ok(vec![b'#'; MAX_FILE_BYTES + 1]);
            }
            objects.file(id)
        };
        read().map_err(|error: git2::Error| self.damaged(&entry.path, &error))
    }

    fn file(&self, path: &str) -> Result<PinnedFile, NoFile> {
        let good = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.eq_ignore_ascii_case(".git");
        if path.chars().any(char::is_control) || !path.split('/').all(good) {
            return Err(FileFault::BadPath(path.escape_debug().to_string()).into());
        }
        self.in_time()?;
        self.pinned(path)
    }

    fn file_content(&self, path: &str) -> Option<String> {
        let entry = self.objects().ok()?.find(self.root, path.split('/')).ok()??;
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

fn too_large(error: &git2::Error) -> SourceError {
    fail(SourceReason::TooLarge, format!("{}; divide it, or keep it out of the repository", error.message()))
}

/// What people are told where there was no time left to read a commit.
pub(super) fn late(commit: &str) -> String {
    format!("commit {commit} could not be read in time; it holds too many folders, links or files, or this machine is overloaded")
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
