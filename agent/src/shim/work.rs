//! The command's work folder: private, empty but for the files that came with the command, and removed with everything that the
//! command leaves in it.

use crate::folder::{AttemptDir, WORK, private_dirs};
use crate::removal::remove_tree;
use crate::users::Account;
use pulse_protocol::WorkFile;
use pulse_protocol::files::is_inside;
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, lchown};
use std::path::Path;

/// Makes the folder, unless it came with the attempt's, and lays the files into it. An error is the reason for people, and the folder is gone
/// again, so that half of its files do not keep a full disk full.
pub fn prepare(dir: &AttemptDir, files: &[WorkFile]) -> Result<(), String> {
    let work = dir.file(WORK);
    match private_dirs().create(&work) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(format!("cannot make the work folder: {error}")),
        _ => {}
    }
    for file in files {
        if let Err(reason) = lay(&work, file) {
            drop(remove_tree(&work));
            return Err(reason);
        }
    }
    Ok(())
}

/// Gives the folder with its files to the command's own user, and lets that one pass on the way to it. It can list nothing there: what else lies in
/// the data folder has its own rights, and is the agent's.
pub fn hand_over(dir: &AttemptDir, account: &Account) -> Result<(), String> {
    let given = give(&dir.file(WORK), account).and_then(|()| {
        // The attempt's folder, that of all attempts, and the data folder.
        dir.path().ancestors().take(3).try_for_each(|folder| std::fs::set_permissions(folder, Permissions::from_mode(0o711)))
    });
    given.map_err(|error| format!("the work folder cannot be given to {}: {error}", account.name))
}

/// Nothing but what was laid there lies in it yet.
fn give(path: &Path, account: &Account) -> io::Result<()> {
    if path.is_dir() {
        std::fs::read_dir(path)?.try_for_each(|entry| give(&entry?.path(), account))?;
    }
    lchown(path, Some(account.uid), Some(account.gid))
}

/// Removes the folder; what is gone already is no error.
pub fn remove(dir: &AttemptDir) -> io::Result<()> {
    let work = dir.file(WORK);
    // Most commands leave nothing in it.
    match std::fs::remove_dir(&work).or_else(|_| remove_tree(&work)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whatever the controller says, nothing is written outside of the folder: the path has no way out, its folders are made here, and
/// the file itself must be new.
fn lay(work: &Path, file: &WorkFile) -> Result<(), String> {
    if !is_inside(&file.path) {
        return Err(format!("the file {:?} would not lie in the work folder", file.path));
    }
    let path = work.join(&file.path);
    let written = (|| {
        path.parent().map_or(Ok(()), |folder| private_dirs().recursive(true).create(folder))?;
        let mode = if file.executable { 0o755 } else { 0o644 };
        let mut opened = File::options().write(true).create_new(true).mode(mode).open(&path)?;
        opened.write_all(&file.content)
    })();
    written.map_err(|error| format!("cannot write the file {:?} into the work folder: {error}", file.path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::DataDir;
    use pulse_protocol::AttemptId;
    use std::os::unix::fs::PermissionsExt;

    fn attempt() -> (tempfile::TempDir, AttemptDir) {
        let root = tempfile::tempdir().unwrap();
        let data = DataDir::new(root.path());
        data.create().unwrap();
        let dir = data.attempt(AttemptId(uuid::Uuid::now_v7()));
        dir.claim().unwrap();
        (root, dir)
    }

    fn file(path: &str, executable: bool) -> WorkFile {
        WorkFile { path: path.into(), executable, content: std::sync::Arc::new(path.as_bytes().to_vec()) }
    }

    #[test]
    fn files_lie_where_they_should_with_their_modes() {
        let (_root, dir) = attempt();
        prepare(&dir, &[file("a/b/c.sh", true), file("a/d", false), file("..x", false)]).unwrap();
        for (path, mode) in [("a/b/c.sh", 0o755), ("a/d", 0o644), ("..x", 0o644)] {
            let path = dir.file(WORK).join(path);
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
        }
        assert_eq!(std::fs::read(dir.file(WORK).join("a/d")).unwrap(), b"a/d");
        remove(&dir).unwrap();
        remove(&dir).unwrap();
        assert!(!dir.file(WORK).exists());
    }

    #[test]
    fn what_would_lie_elsewhere_or_twice_is_refused_whole() {
        for bad in ["../x", "/etc/x", "a/../../x", "", "a//b", "./x", "x\0y", "a", "a/b/c", &"x".repeat(256)] {
            let (root, dir) = attempt();
            let reason = prepare(&dir, &[file("a/b", false), file(bad, true)]).unwrap_err();
            // `a` is a folder and `a/b` a file already.
            assert!(reason.contains("work folder"), "{bad:?}: {reason}");
            assert!(!dir.file(WORK).exists() && !root.path().join("x").exists(), "{bad:?}");
        }
    }
}
