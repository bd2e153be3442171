//! Which files of a source may hold manifests, told by names and kinds alone: one set of rules for Git, plain folders, files that a
//! request brings, and the command line. Nothing is opened here; whoever lists a folder says what its entries are.

use crate::Problem;
use std::collections::{BTreeSet, HashMap};
use std::fs::FileType;

/// Folders inside each other.
pub const MAX_DEPTH: usize = 32;
/// Bytes of a path below the source's root.
pub const MAX_PATH_BYTES: usize = 512;
/// Bytes of a name.
const MAX_NAME_BYTES: usize = 255;

/// What an entry of a folder is, as whoever lists the folder sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, whatever it leads to.
    Link,
    /// Another repository within this one.
    Submodule,
    /// Anything else: a pipe, a socket, a mode that nobody knows.
    Other,
}

impl From<FileType> for EntryKind {
    /// Of what a folder's listing says, which follows no link.
    fn from(file: FileType) -> Self {
        match (file.is_symlink(), file.is_dir(), file.is_file()) {
            (true, ..) => Self::Link,
            (_, true, _) => Self::Folder,
            (.., true) => Self::File,
            _ => Self::Other,
        }
    }
}

/// What becomes of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// Nobody's business: hidden, or nothing that could hold manifests.
    PassedOver,
    /// It may hold manifests. Its path below the source's root.
    Manifest(String),
    /// A folder to look into. Its path below the source's root.
    Folder(String),
    /// It could hold manifests and cannot be read; the commit is refused.
    Refused(Box<Problem>),
}

/// The names of one folder, judged one after the other. Of two that differ by upper and lower case only the second is refused, so
/// they come sorted.
#[derive(Debug, Clone)]
pub struct Names {
    /// Empty, or the folder's path with a `/` behind it.
    prefix: String,
    taken: BTreeSet<String>,
}

impl Names {
    /// Those of the folder at this path below the source's root; empty for the root.
    pub fn of(folder: &str) -> Self {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        Self { prefix, taken: BTreeSet::new() }
    }

    /// Judges an entry. `leads_to_folder` is asked of a link only, and says whether it leads to a folder.
    pub fn judge(&mut self, name: &[u8], kind: EntryKind, leads_to_folder: impl FnOnce() -> bool) -> Listed {
        // What begins with a dot is Git's, an editor's or a tool's, never a manifest. `.git`, `.` and `..` are among it.
        if name.starts_with(b".") {
            return Listed::PassedOver;
        }
        let manifest = is_manifest(name);
        match kind {
            EntryKind::File if manifest => self.usable(name).map_or_else(Listed::Refused, Listed::Manifest),
            EntryKind::Folder => self.usable(name).and_then(shallow).map_or_else(Listed::Refused, Listed::Folder),
            // A link could lead out of the source or round in a circle.
            EntryKind::Link if manifest || leads_to_folder() => {
                self.refuse(name, "symlink", "a symbolic link is not followed", "put the file or folder itself there")
            }
            EntryKind::Submodule => {
                let help = "put its files there, or point the source's path at a folder without it";
                self.refuse(name, "submodule", "a submodule is not fetched", help)
            }
            EntryKind::Other if manifest => {
                self.refuse(name, "bad-file-mode", "it is no file, folder or link", "put a file there")
            }
            EntryKind::File | EntryKind::Link | EntryKind::Other => Listed::PassedOver,
        }
    }

    /// The path of a name that can be used: text, one part of a path, not too long, unlike every other in its folder.
    fn usable(&mut self, name: &[u8]) -> Result<String, Box<Problem>> {
        let text = str::from_utf8(name).ok();
        let one_part = |text: &&str| !text.is_empty() && !text.contains(['/', '\\']) && !text.chars().any(char::is_control);
        let Some(text) = text.filter(one_part) else {
            let message = "the name is no UTF-8, or has a slash, a backslash or a control character in it";
            return Err(self.problem(name, "bad-file-name", message, "rename it"));
        };
        let path = format!("{}{text}", self.prefix);
        if name.len() > MAX_NAME_BYTES || path.len() > MAX_PATH_BYTES {
            let message = format!(
                "the path has {} bytes, its last part {}; at most {MAX_PATH_BYTES} and {MAX_NAME_BYTES} are allowed",
                path.len(),
                name.len()
            );
            return Err(self.problem(name, "bad-file-name", &message, "shorten it"));
        }
        if !self.taken.insert(text.to_lowercase()) {
            let message = "another name in this folder differs by upper and lower case only";
            return Err(self.problem(name, "ambiguous-file-name", message, "rename one of the two"));
        }
        Ok(path)
    }

    fn refuse(&self, name: &[u8], code: &str, message: &str, help: &str) -> Listed {
        Listed::Refused(self.problem(name, code, message, help))
    }

    fn problem(&self, name: &[u8], code: &str, message: &str, help: &str) -> Box<Problem> {
        let name: String = String::from_utf8_lossy(name).chars().map(shown).collect();
        Box::new(Problem::of_file(format!("{}{name}", self.prefix), code, message, help))
    }
}

/// Of whole paths those that may hold manifests, and what is wrong with the others: what a source would say that held files at just
/// these paths. They come sorted.
pub fn manifests_among<'a>(paths: impl IntoIterator<Item = &'a str>) -> (Vec<&'a str>, Vec<Problem>) {
    let (mut manifests, mut problems) = (Vec::new(), Vec::new());
    let mut names: HashMap<&str, Names> = HashMap::new();
    // Folders that were judged, and whether they are looked into.
    let mut folders: HashMap<&str, bool> = HashMap::new();
    for path in paths {
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            let message = "it is no path below the source's root";
            let file = path.chars().map(shown).collect::<String>();
            problems.push(Problem::of_file(file, "bad-file-name", message, "write `folder/file`"));
            continue;
        }
        let mut judge = |at: &'a str, kind: EntryKind| {
            let (folder, name) = at.rsplit_once('/').unwrap_or(("", at));
            let listed = names.entry(folder).or_insert_with(|| Names::of(folder)).judge(name.as_bytes(), kind, || false);
            if let Listed::Refused(problem) = &listed {
                problems.push((**problem).clone());
            }
            listed
        };
        let mut above = path.match_indices('/').map(|(end, _)| &path[..end]);
        let open = above.all(|folder| {
            *folders.entry(folder).or_insert_with(|| matches!(judge(folder, EntryKind::Folder), Listed::Folder(_)))
        });
        if open && matches!(judge(path, EntryKind::File), Listed::Manifest(_)) {
            manifests.push(path);
        }
    }
    (manifests, problems)
}

/// A folder that does not lie too deep.
fn shallow(path: String) -> Result<String, Box<Problem>> {
    if path.split('/').count() <= MAX_DEPTH {
        return Ok(path);
    }
    let message = format!("this folder lies more than {MAX_DEPTH} folders deep");
    Err(Box::new(Problem::of_file(path, "too-deep", message, "move it nearer to the source's root")))
}

fn is_manifest(name: &[u8]) -> bool {
    name.ends_with(b".yaml") || name.ends_with(b".yml")
}

/// One line, whatever a name holds.
fn shown(c: char) -> char {
    if c.is_control() { '\u{fffd}' } else { c }
}
