//! A file of a folder that a manifest uses.

use super::super::tree::{FileFault, NoFile, SourceError, SourceReason};
use super::{SETTLE, SETTLE_TRIES, pause};
use pulse_core::definitions::{MAX_PINNED_BYTES, PinnedFile};
use std::fs::{self, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Reads it once nobody has written to it for a moment.
pub(super) fn read(root: &Path, path: &str) -> Result<PinnedFile, NoFile> {
    for _ in 0..SETTLE_TRIES {
        let (full, before) = find(root, path)?;
        if before.len() > MAX_PINNED_BYTES as u64 {
            return Err(FileFault::TooLarge { path: path.to_owned(), bytes: before.len() }.into());
        }
        let mut content = Vec::new();
        let file = fs::File::open(&full).map_err(|error| fault(path, &error))?;
        file.take(MAX_PINNED_BYTES as u64 + 1).read_to_end(&mut content).map_err(|error| fault(path, &error))?;
        let (_, after) = find(root, path)?;
        let age = age(&after);
        if written(&before) == written(&after) && age >= SETTLE {
            return Ok(PinnedFile { executable: after.mode() & 0o111 != 0, content: Arc::new(content) });
        }
        pause(SETTLE.saturating_sub(age));
    }
    let message = format!("`{path}` never stands still; what is live stays live until it does");
    Err(SourceError { reason: SourceReason::Restless, message }.into())
}

/// The file at a path below the root, no part of which is a link.
fn find(root: &Path, path: &str) -> Result<(PathBuf, Metadata), NoFile> {
    let parts: Vec<Component<'_>> = Path::new(path).components().collect();
    let straight = parts.iter().collect::<PathBuf>().as_os_str() == path;
    let normal = straight && parts.iter().all(|part| matches!(part, Component::Normal(_)));
    if path.is_empty() || path.contains('\0') || !normal {
        return Err(FileFault::BadPath(path.to_owned()).into());
    }
    let mut full = root.to_owned();
    for (index, part) in parts.iter().enumerate() {
        full.push(part);
        let meta = fs::symlink_metadata(&full).map_err(|error| fault(path, &error))?;
        let not = |what| Err(FileFault::NotAFile { path: path.to_owned(), what }.into());
        match (meta.is_symlink(), meta.is_file(), meta.is_dir(), index + 1 == parts.len()) {
            (true, ..) => return not("a symbolic link"),
            (_, true, _, true) => return Ok((full, meta)),
            (_, _, true, true) => return not("a folder"),
            (_, _, true, false) => {}
            (_, _, _, true) => return not("a special file"),
            (..) => return Err(FileFault::Missing(path.to_owned()).into()),
        }
    }
    Err(FileFault::BadPath(path.to_owned()).into())
}

fn fault(path: &str, error: &std::io::Error) -> NoFile {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => FileFault::Missing(path.to_owned()).into(),
        // As of a manifest's file: whoever wrote the file can mend it.
        ErrorKind::PermissionDenied => FileFault::Unreadable { path: path.to_owned(), reason: error.to_string() }.into(),
        _ => {
            let message = format!("`{path}` cannot be read: {error}; check the disk and its file system");
            SourceError { reason: SourceReason::Local, message }.into()
        }
    }
}

fn written(meta: &Metadata) -> (u64, i64, i64, u64) {
    (meta.ino(), meta.ctime(), meta.ctime_nsec(), meta.len())
}

/// How long nobody has written to it; a time to come, which only a stepped clock makes, says nothing and counts as long ago.
fn age(meta: &Metadata) -> Duration {
    let written = meta.ctime().saturating_mul(1_000_000).saturating_add(meta.ctime_nsec() / 1000);
    let age = crate::clock::now().0.saturating_sub(written);
    u64::try_from(age).map_or(SETTLE, Duration::from_micros)
}
