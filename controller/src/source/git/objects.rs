//! Git's objects as they lie there. libgit2 finds, inflates and checks them (their hash, too); trees are taken apart here, because
//! a crafted one holds names that libgit2 would not let through.

pub(super) use crd_schemas::listing::EntryKind as Kind;
use crd_schemas::listing::MAX_DEPTH;
use git2::{Commit, ErrorClass, ErrorCode, ObjectType, Odb, Oid, Repository};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

/// Longest target of a link that is looked at.
const MAX_LINK_BYTES: u64 = 4096;
/// Largest tree that is read: one folder's own lines, some 400,000 of them.
const MAX_TREE_BYTES: u64 = 16 << 20;
/// Largest commit or tag that is read.
const MAX_COMMIT_BYTES: usize = 1 << 20;
/// Tags of tags.
const MAX_TAGS: usize = 10;
/// How an object is told that is whole and too large; libgit2's reading never says so.
const TOO_LARGE: ErrorCode = ErrorCode::BufSize;
/// Lines of folders that are kept taken apart. A commit that has more costs more time, not more memory.
const MAX_KNOWN_LINES: usize = 1_000_000;

/// One line of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TreeEntry {
    pub(super) mode: u32,
    pub(super) name: Vec<u8>,
    pub(super) id: Oid,
}

impl TreeEntry {
    /// What it stands for.
    pub(super) fn kind(&self) -> Kind {
        match self.mode & 0o170_000 {
            0o100_000 => Kind::File,
            0o040_000 => Kind::Folder,
            0o120_000 => Kind::Link,
            0o160_000 => Kind::Submodule,
            _ => Kind::Other,
        }
    }

    pub(super) fn is_executable(&self) -> bool {
        self.mode & 0o111 != 0
    }
}

/// Folders that were taken apart already, for as long as one commit is read.
#[derive(Default)]
pub(super) struct Known {
    folders: RefCell<HashMap<Oid, Arc<Folder>>>,
    lines: Cell<usize>,
}

/// A folder's lines.
pub(super) struct Folder {
    /// In Git's order.
    pub(super) lines: Vec<TreeEntry>,
    /// Places in `lines`, by name.
    by_name: Vec<u32>,
}

impl Folder {
    fn new(lines: Vec<TreeEntry>) -> Self {
        let mut by_name: Vec<u32> = (0..).take(lines.len()).collect();
        // Stable: of two lines with the same name, which only a crafted tree has, the first one counts.
        by_name.sort_by(|a, b| lines[*a as usize].name.cmp(&lines[*b as usize].name));
        Self { lines, by_name }
    }

    fn find(&self, name: &[u8]) -> Option<&TreeEntry> {
        let line = |place: &u32| &self.lines[*place as usize];
        let first = self.by_name.partition_point(|place| line(place).name.as_slice() < name);
        self.by_name.get(first).map(line).filter(|line| line.name == name)
    }
}

/// The objects of one repository.
pub(super) struct Objects<'a> {
    odb: Odb<'a>,
    known: &'a Known,
}

impl<'a> Objects<'a> {
    /// The objects of a repository, and what is known of them.
    pub(super) fn of(repository: &'a Repository, known: &'a Known) -> Result<Self, git2::Error> {
        Ok(Self { odb: repository.odb()?, known })
    }

    /// What a tree holds. It is inflated and taken apart once, however many paths lead through it.
    pub(super) fn tree(&self, id: Oid) -> Result<Arc<Folder>, git2::Error> {
        if let Some(folder) = self.known.folders.borrow().get(&id) {
            return Ok(Arc::clone(folder));
        }
        let size = self.header(id, ObjectType::Tree)?;
        if size > MAX_TREE_BYTES {
            let message = format!("folder {id} takes {size} bytes in Git; at most {MAX_TREE_BYTES} are read");
            return Err(git2::Error::new(TOO_LARGE, ErrorClass::Odb, message));
        }
        let lines = parse(self.odb.read(id)?.data()).ok_or_else(|| bad(format!("{id} is no tree")))?;
        let folder = Arc::new(Folder::new(lines));
        let lines = self.known.lines.get() + folder.lines.len();
        if lines <= MAX_KNOWN_LINES {
            self.known.lines.set(lines);
            self.known.folders.borrow_mut().insert(id, Arc::clone(&folder));
        }
        Ok(folder)
    }

    /// The commit that an id stands for, through tags; `None` where it is something else.
    pub(super) fn commit(&self, repository: &'a Repository, mut id: Oid) -> Result<Option<Commit<'a>>, git2::Error> {
        for _ in 0..=MAX_TAGS {
            let (size, kind) = self.odb.read_header(id)?;
            if size > MAX_COMMIT_BYTES {
                let message = format!("{kind} {id} takes {size} bytes in Git; at most {MAX_COMMIT_BYTES} are read");
                return Err(git2::Error::new(TOO_LARGE, ErrorClass::Odb, message));
            }
            match kind {
                ObjectType::Commit => return repository.find_commit(id).map(Some),
                ObjectType::Tag => id = repository.find_tag(id)?.target_id(),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// A file's size, without reading it.
    pub(super) fn size(&self, id: Oid) -> Result<u64, git2::Error> {
        self.header(id, ObjectType::Blob)
    }

    /// What a file holds. Ask for its size first.
    pub(super) fn file(&self, id: Oid) -> Result<Vec<u8>, git2::Error> {
        Ok(self.odb.read(id)?.data().to_vec())
    }

    fn header(&self, id: Oid, expected: ObjectType) -> Result<u64, git2::Error> {
        let (size, kind) = self.odb.read_header(id)?;
        if kind != expected {
            return Err(bad(format!("{id} is no {expected}")));
        }
        Ok(size as u64)
    }

    /// The line of a path below a tree, each part of which is a folder but the last; the line of the first part that is none.
    pub(super) fn find<'p>(&self, root: Oid, parts: impl IntoIterator<Item = &'p str>) -> Result<Option<TreeEntry>, git2::Error> {
        let mut at = TreeEntry { mode: 0o040_000, name: Vec::new(), id: root };
        for part in parts {
            if at.kind() != Kind::Folder {
                // A file has nothing below it; a link or a submodule is told as what it is.
                return Ok(Some(at).filter(|at| at.kind() != Kind::File));
            }
            match self.tree(at.id)?.find(part.as_bytes()) {
                Some(entry) => at = entry.clone(),
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// Whether a link in the folder `prefix` below the root leads to a folder below the root, where manifests could be.
    pub(super) fn leads_to_folder(&self, root: Oid, prefix: &str, link: Oid) -> bool {
        if self.size(link).is_ok_and(|size| size > MAX_LINK_BYTES) {
            return false;
        }
        let Ok(target) = self.file(link) else { return false };
        let Ok(target) = str::from_utf8(&target) else { return false };
        let mut parts: Vec<_> = prefix.split('/').filter(|part| !part.is_empty()).collect();
        for part in target.split('/') {
            match part {
                "" if target.starts_with('/') => return false,
                "" | "." => {}
                ".." if parts.pop().is_none() => return false,
                ".." => {}
                part => parts.push(part),
            }
        }
        // A folder that lies deeper is not looked into.
        parts.len() <= MAX_DEPTH
            && self.find(root, parts).is_ok_and(|found| found.is_some_and(|entry| entry.kind() != Kind::File))
    }
}

/// Whether the object is whole, but larger than is read.
pub(super) fn is_too_large(error: &git2::Error) -> bool {
    error.code() == TOO_LARGE
}

fn bad(message: String) -> git2::Error {
    git2::Error::new(ErrorCode::Invalid, ErrorClass::Odb, message)
}

/// `<mode in octal> <name>\0<20 bytes of id>`, again and again.
fn parse(mut data: &[u8]) -> Option<Vec<TreeEntry>> {
    let mut entries = Vec::with_capacity(data.len() / 40);
    while !data.is_empty() {
        let space = data.iter().position(|byte| *byte == b' ')?;
        let mode = u32::from_str_radix(str::from_utf8(&data[..space]).ok()?, 8).ok()?;
        let rest = &data[space + 1..];
        let end = rest.iter().position(|byte| *byte == 0)?;
        let id = Oid::from_bytes(rest.get(end + 1..end + 21)?).ok()?;
        entries.push(TreeEntry { mode, name: rest[..end].to_vec(), id });
        data = &rest[end + 21..];
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::{Kind, parse};

    #[test]
    fn a_tree_is_its_lines() {
        let mut bytes = b"100755 a.sh\0".to_vec();
        bytes.extend([1; 20]);
        bytes.extend(b"40000 b\0");
        bytes.extend([2; 20]);
        let entries = parse(&bytes).unwrap();
        assert_eq!(
            entries.iter().map(|entry| (entry.kind(), entry.is_executable())).collect::<Vec<_>>(),
            [(Kind::File, true), (Kind::Folder, false)]
        );
        assert!(parse(&bytes[..bytes.len() - 1]).is_none() && parse(b"x").is_none() && parse(b"9 a\0").is_none());
    }
}
