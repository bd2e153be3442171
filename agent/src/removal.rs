//! Removes whole folders that commands have written in, also those whose permissions stand in the way.

use rustix::fs::{Mode, OFlags, open};
use std::fs::Permissions;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// How deep permissions are mended; each step holds a descriptor.
const MAX_DEPTH: usize = 128;

/// Removes a folder and everything in it; no link is followed. An error: something of it is left.
pub fn remove_tree(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            open_up(folder, MAX_DEPTH)?;
            std::fs::remove_dir_all(folder)
        }
        result => result,
    }
}

/// Gives the owner every right on a folder and those below it. Each is held by a descriptor that no link could lead away, because
/// processes that the command left behind may still be at work in it.
fn open_up(folder: &Path, depth: usize) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = match open(folder, flags, Mode::empty()) {
        Ok(held) => held,
        // It is gone, or no folder any more.
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => return Ok(()),
        Err(errno) => return Err(errno.into()),
    };
    let path = PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd()));
    std::fs::set_permissions(&path, Permissions::from_mode(0o700))?;
    if depth == 0 {
        return Ok(());
    }
    for entry in std::fs::read_dir(&path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&path.join(entry.file_name()), depth - 1)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folders_are_opened_up_and_links_are_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let (tree, outside) = (root.path().join("tree"), root.path().join("outside"));
        std::fs::create_dir_all(tree.join("a/b")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        symlink(&outside, tree.join("a/link")).unwrap();
        std::fs::write(outside.join("kept"), "").unwrap();
        for path in [&outside, &tree.join("a/b"), &tree.join("a")] {
            std::fs::set_permissions(path, Permissions::from_mode(0o500)).unwrap();
        }
        open_up(&tree, MAX_DEPTH).unwrap();
        assert_eq!([&tree, &tree.join("a"), &tree.join("a/b"), &outside].map(|path| mode(path)), [0o700, 0o700, 0o700, 0o500]);
        remove_tree(&tree).unwrap();
        assert!(!tree.exists() && outside.join("kept").exists());
    }
}
