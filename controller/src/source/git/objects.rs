//! Git's objects as they lie there. libgit2 finds, inflates and checks them (their hash, too); trees are taken apart here, because
//! a crafted one holds names that libgit2 would not let through.

use git2::{ErrorClass, ErrorCode, ObjectType, Odb, Oid};

/// Longest target of a link that is looked at.
const MAX_LINK_BYTES: usize = 4096;

/// One line of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TreeEntry {
    pub(super) mode: u32,
    pub(super) name: Vec<u8>,
    pub(super) id: Oid,
}

/// What a line of a tree stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    Submodule,
    Other,
}

impl TreeEntry {
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

/// The objects of one repository.
pub(super) struct Objects<'a>(pub(super) Odb<'a>);

impl Objects<'_> {
    /// The lines of a tree, in its order.
    pub(super) fn tree(&self, id: Oid) -> Result<Vec<TreeEntry>, git2::Error> {
        let object = self.0.read(id)?;
        let entries = if object.kind() == ObjectType::Tree { parse(object.data()) } else { None };
        entries.ok_or_else(|| git2::Error::new(ErrorCode::Invalid, ErrorClass::Tree, format!("{id} is no tree")))
    }

    /// A file's size, without reading it.
    pub(super) fn size(&self, id: Oid) -> Result<u64, git2::Error> {
        let (size, kind) = self.0.read_header(id)?;
        if kind != ObjectType::Blob {
            return Err(git2::Error::new(ErrorCode::Invalid, ErrorClass::Odb, format!("{id} is no file")));
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
            match self.tree(at.id)?.into_iter().find(|entry| entry.name == part.as_bytes()) {
                Some(entry) => at = entry,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// Whether a link in the folder `prefix` below the root leads to a folder below the root, where manifests could be.
    pub(super) fn leads_to_folder(&self, root: Oid, prefix: &str, link: Oid) -> bool {
        if self.size(link).is_ok_and(|size| size > MAX_LINK_BYTES as u64) {
            return false;
        }
        let Ok(target) = self.0.read(link) else { return false };
        let Ok(target) = str::from_utf8(target.data()) else { return false };
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
        self.find(root, parts).is_ok_and(|found| found.is_some_and(|entry| entry.kind() != Kind::File))
    }
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
