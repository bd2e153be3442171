//! Which files of a commit may hold manifests. Trees are walked, no file is opened; the rules are every source's.

use super::limits::Deadline;
use super::objects::Objects;
use super::tree::Unlisted;
use crate::source::tree::{Entry, MAX_FILES, too_many_files};
use crd_schemas::Problem;
use crd_schemas::listing::{Listed, Names};
use git2::Oid;

/// Entries that are looked at in all. A tree that holds itself many times over is small in Git and endless to walk.
const MAX_ENTRIES: usize = 1_000_000;

/// Lines between two glances at the clock.
const BETWEEN_CLOCKS: usize = 256;
/// Links that are looked at in all, each of which is an object of its own.
const MAX_LINKS: usize = 100_000;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Sorted by path.
    pub(super) entries: Vec<Entry>,
    pub(super) problems: Vec<Problem>,
    seen: usize,
    links: usize,
    full: bool,
}

/// What a walk needs everywhere.
struct Walk<'a> {
    objects: &'a Objects<'a>,
    root: Oid,
    deadline: Deadline,
}

impl Listing {
    /// Walks the tree below the source's root.
    ///
    /// # Errors
    ///
    /// An object that is missing, damaged or too large, or the end of its time.
    pub(super) fn of(objects: &Objects<'_>, root: Oid, deadline: Deadline) -> Result<Self, Unlisted> {
        let mut listing = Self::default();
        listing.folder(&Walk { objects, root, deadline }, root, "")?;
        listing.entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(listing)
    }

    fn folder(&mut self, walk: &Walk<'_>, id: Oid, folder: &str) -> Result<(), Unlisted> {
        let mut names = Names::of(folder);
        for entry in &walk.objects.tree(id)?.lines {
            self.seen += 1;
            if self.seen.is_multiple_of(BETWEEN_CLOCKS) && walk.deadline.is_over() {
                return Err(Unlisted::Late);
            }
            if self.seen > MAX_ENTRIES && !self.full {
                self.overflow(folder, format!("the source has more than {MAX_ENTRIES} files and folders"));
            }
            if self.full {
                return Ok(());
            }
            let kind = entry.kind();
            match names.judge(&entry.name, kind, || self.leads_to_folder(walk, folder, entry.id)) {
                Listed::PassedOver => {}
                Listed::Manifest(path) => self.file(path, entry.id),
                Listed::Folder(path) => self.folder(walk, entry.id, &path)?,
                Listed::Refused(problem) => self.problems.push(*problem),
            }
        }
        Ok(())
    }

    /// Whether a link hides a folder, in which manifests could be.
    fn leads_to_folder(&mut self, walk: &Walk<'_>, folder: &str, link: Oid) -> bool {
        self.links += 1;
        if self.links > MAX_LINKS {
            self.overflow(folder, format!("the source has more than {MAX_LINKS} symbolic links"));
            return false;
        }
        walk.objects.leads_to_folder(walk.root, folder, link)
    }

    fn file(&mut self, path: String, id: Oid) {
        if self.entries.len() == MAX_FILES {
            self.full = true;
            return self.problems.push(too_many_files(path));
        }
        self.entries.push(Entry { path, content: id.to_string() });
    }

    fn overflow(&mut self, folder: &str, message: String) {
        self.full = true;
        self.problems.push(Problem::of_file(folder, "too-many-files", message, "keep what is no manifest in another repository"));
    }
}
