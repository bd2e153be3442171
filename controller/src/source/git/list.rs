//! Which files of a commit may hold manifests. Trees are walked, no file is opened; the rules are the plain folder's.

use super::limits::Deadline;
use super::objects::{Kind, Objects};
use super::tree::Unlisted;
use crate::source::given;
use crate::source::tree::{Entry, MAX_DEPTH, MAX_FILES};
use crd_schemas::Problem;
use git2::Oid;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

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
        listing.folder(&Walk { objects, root, deadline }, root, "", 1)?;
        listing.entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(listing)
    }

    fn folder(&mut self, walk: &Walk<'_>, id: Oid, prefix: &str, depth: usize) -> Result<(), Unlisted> {
        let mut names = BTreeSet::new();
        for entry in &walk.objects.tree(id)?.lines {
            self.seen += 1;
            if self.seen.is_multiple_of(BETWEEN_CLOCKS) && walk.deadline.is_over() {
                return Err(Unlisted::Late);
            }
            if self.seen > MAX_ENTRIES && !self.full {
                self.overflow(prefix, format!("the source has more than {MAX_ENTRIES} files and folders"));
            }
            // What begins with a dot is Git's, an editor's or a tool's, never a manifest. `.git` and `..` are among it.
            if self.full || entry.name.starts_with(b".") {
                continue;
            }
            let shown = format!("{prefix}{}", String::from_utf8_lossy(&entry.name).escape_debug());
            match entry.kind() {
                Kind::File if is_manifest(&entry.name) => {
                    if self.name(&entry.name, &shown, &mut names) {
                        self.file(shown, entry.id);
                    }
                }
                Kind::Folder if depth >= MAX_DEPTH => {
                    let message = format!("this folder lies more than {MAX_DEPTH} folders deep");
                    self.problem(shown, "too-deep", message, "move it nearer to the source's root");
                }
                Kind::Folder => {
                    if self.name(&entry.name, &shown, &mut names) {
                        self.folder(walk, entry.id, &format!("{shown}/"), depth + 1)?;
                    }
                }
                Kind::Link if is_manifest(&entry.name) || self.leads_to_folder(walk, prefix, entry.id) => {
                    let help = "put the file or folder itself there";
                    self.problem(shown, "symlink", "a symbolic link is not followed".to_owned(), help);
                }
                Kind::Submodule => {
                    let help = "put its files there, or point the source's path at a folder without it";
                    self.problem(shown, "submodule", "a submodule is not fetched".to_owned(), help);
                }
                Kind::Other if is_manifest(&entry.name) => {
                    self.problem(shown, "bad-file-mode", "it is no file, folder or link of Git's".to_owned(), "add it anew");
                }
                Kind::File | Kind::Link | Kind::Other => {}
            }
        }
        Ok(())
    }

    /// Whether a link hides a folder, in which manifests could be.
    fn leads_to_folder(&mut self, walk: &Walk<'_>, prefix: &str, link: Oid) -> bool {
        self.links += 1;
        if self.links > MAX_LINKS {
            self.overflow(prefix, format!("the source has more than {MAX_LINKS} symbolic links"));
            return false;
        }
        walk.objects.leads_to_folder(walk.root, prefix, link)
    }

    /// Whether a name can be used: text, one part of a path, unlike every other in its folder.
    fn name(&mut self, name: &[u8], shown: &str, names: &mut BTreeSet<String>) -> bool {
        let text = str::from_utf8(name).ok();
        let Some(text) =
            text.filter(|text| !text.is_empty() && !text.contains(['/', '\\']) && !text.chars().any(char::is_control))
        else {
            let message = "the name is no UTF-8, or has a slash or a control character in it".to_owned();
            self.problem(shown.to_owned(), "bad-file-name", message, "rename it");
            return false;
        };
        if !names.insert(text.to_lowercase()) {
            let message = "another name in this folder differs by upper and lower case only".to_owned();
            self.problem(shown.to_owned(), "ambiguous-file-name", message, "rename one of the two");
            return false;
        }
        true
    }

    fn file(&mut self, path: String, id: Oid) {
        if self.entries.len() == MAX_FILES {
            return self.overflow(&path, format!("the source has more than {MAX_FILES} files of manifests"));
        }
        self.entries.push(Entry { path, content: id.to_string() });
    }

    fn overflow(&mut self, shown: &str, message: String) {
        self.full = true;
        self.problem(shown.to_owned(), "too-many-files", message, "put several manifests into one file, `---` between them");
    }

    fn problem(&mut self, file: String, code: &str, message: String, help: &str) {
        self.problems.push(Problem::of_file(file, code, message, help));
    }
}

fn is_manifest(name: &[u8]) -> bool {
    given::is_manifest(Path::new(OsStr::from_bytes(name)))
}
