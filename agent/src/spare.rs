//! Folders for attempts to come: nobody's claim, with the files that a shim needs in them. Making and removing files is the dearest thing that a
//! short command costs its host, so a folder of which the controller has everything becomes one of these, and a shim makes its next one ready while
//! it waits for a command.
//!
//! ```text
//! attempts/A ── all of it is acknowledged and stored: emptied ──▶ attempts/A.spare ── a shim locks it, and claims with it ──▶ attempts/B
//! ```
//!
//! What was written before is nobody's evidence, also after a power cut that undoes the emptying: records and spools name their attempts.
//! A work folder is never used again, because something that is not below the command could still hold it, such as a container that has it mounted.

use crate::folder::{AttemptDir, Claim, DataDir, OUTPUT, RECORD, WORK, become_claim, lock_folder, private_dirs, private_file};
use crate::removal::remove_tree;
use pulse_protocol::planted::{self, Bug};
use rustix::fs::FlockOperation;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A folder that is ready to become an attempt's. It goes with this.
#[derive(Debug)]
pub struct Spare {
    path: PathBuf,
    /// Goes with the folder, so that nobody ever sees a claim of a living shim without it.
    lock: File,
}

impl Spare {
    /// The folder of this name if there is one, else a new one.
    pub fn make_ready(data: &DataDir, name: Option<Uuid>) -> io::Result<Self> {
        let used = name.and_then(|name| Self::take(data.spare(name)).ok().flatten());
        let spare = match used {
            Some(spare) => spare,
            None => Self::make(data.spare(Uuid::new_v4()))?,
        };
        private_dirs().create(spare.path.join(WORK))?;
        Ok(spare)
    }

    fn make(path: PathBuf) -> io::Result<Self> {
        private_dirs().create(&path)?;
        let lock = lock_folder(&path, FlockOperation::NonBlockingLockExclusive)?;
        let spare = Self { path, lock };
        for name in [RECORD, OUTPUT] {
            private_file().write(true).create_new(true).open(spare.path.join(name))?;
        }
        Ok(spare)
    }

    /// `None`: by now it is somebody else's, or another folder has its name.
    fn take(path: PathBuf) -> io::Result<Option<Self>> {
        let lock = lock_folder(&path, FlockOperation::NonBlockingLockExclusive)?;
        let (held, named) = (lock.metadata()?, std::fs::symlink_metadata(&path)?);
        Ok((held.ino() == named.ino() && held.dev() == named.dev()).then_some(Self { path, lock }))
    }

    /// Makes it the attempt's, whose lock the caller then holds for as long as it supervises the command. `None`: somebody else has claimed the
    /// attempt. It need not outlive a power cut, and no sync is waited for: the journal's `starting` does, and whoever finds that in another boot
    /// asks for no claim, but for the exit record.
    pub fn claim(mut self, dir: &AttemptDir) -> io::Result<Option<File>> {
        let lock = self.lock.try_clone()?;
        match become_claim(&self.path, dir)? {
            Claim::Won => {
                self.path = PathBuf::new();
                Ok(Some(lock))
            }
            Claim::Lost if planted::is(Bug::NoClaim) => dir.lock(),
            Claim::Lost => Ok(None),
            Claim::CannotTell => match private_dirs().create(dir.path()) {
                Ok(()) => dir.lock(),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
                Err(error) => Err(error),
            },
        }
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            // One that stays is in nobody's way, and goes when the agent starts again.
            drop(remove_tree(&self.path));
        }
    }
}

/// Makes an attempt's folder one that can be used again, under the attempt's id. `false`: there is more to it than a plain attempt leaves, or less, so
/// that it should go. Only for one that nobody needs any more, and whose lock nobody has.
pub fn retire(data: &DataDir, dir: &AttemptDir) -> io::Result<bool> {
    if !is_plain(dir.path())? {
        return Ok(false);
    }
    for name in [RECORD, OUTPUT] {
        File::options().write(true).truncate(true).open(dir.file(name))?;
    }
    std::fs::rename(dir.path(), data.spare(dir.attempt().0))?;
    Ok(true)
}

/// Whether it holds record and output alone, each by this name alone, and nobody else may pass through it.
fn is_plain(folder: &Path) -> io::Result<bool> {
    let names =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<BTreeSet<_>>>()?;
    if names != [RECORD, OUTPUT].map(OsString::from).into()
        || std::fs::symlink_metadata(folder)?.permissions().mode() & 0o777 != 0o700
    {
        return Ok(false);
    }
    for name in [RECORD, OUTPUT] {
        let found = std::fs::symlink_metadata(folder.join(name))?;
        if !found.is_file() || found.nlink() != 1 || found.permissions().mode() & 0o777 != 0o600 {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulse_protocol::AttemptId;
    use std::fs::Permissions;

    fn data() -> (tempfile::TempDir, DataDir) {
        let root = tempfile::tempdir().unwrap();
        let data = DataDir::new(root.path());
        data.create().unwrap();
        (root, data)
    }

    fn attempt(data: &DataDir, name: Option<Uuid>) -> (AttemptDir, Option<File>) {
        let dir = data.attempt(AttemptId(Uuid::now_v7()));
        let lock = Spare::make_ready(data, name).unwrap().claim(&dir).unwrap();
        (dir, lock)
    }

    fn names(data: &DataDir) -> usize {
        std::fs::read_dir(data.attempts()).unwrap().count()
    }

    #[test]
    fn what_an_attempt_leaves_becomes_anothers_folder_with_nothing_of_it() {
        let (_root, data) = data();
        let (first, lock) = attempt(&data, None);
        for name in [RECORD, OUTPUT] {
            std::fs::write(first.file(name), name).unwrap();
        }
        let inode = std::fs::metadata(first.file(OUTPUT)).unwrap().ino();
        assert!(!retire(&data, &first).unwrap(), "the work folder is there");
        std::fs::remove_dir(first.file(WORK)).unwrap();
        drop(lock);
        assert!(retire(&data, &first).unwrap() && !first.path().exists());
        let (second, lock) = attempt(&data, Some(first.attempt().0));
        assert!(lock.is_some() && second.is_supervised().unwrap() && !first.path().exists());
        let output = std::fs::metadata(second.file(OUTPUT)).unwrap();
        assert_eq!((output.ino(), output.len(), std::fs::read(second.file(RECORD)).unwrap().len()), (inode, 0, 0));
        assert_eq!(std::fs::read_dir(second.file(WORK)).unwrap().count(), 0);
        assert_eq!(names(&data), 1);
    }

    #[test]
    fn a_spare_that_claims_nothing_leaves_nothing() {
        let (_root, data) = data();
        let (first, lock) = attempt(&data, None);
        drop(Spare::make_ready(&data, None).unwrap());
        assert!(lock.is_some() && Spare::make_ready(&data, None).unwrap().claim(&first).unwrap().is_none());
        assert_eq!(names(&data), 1);
    }

    #[test]
    fn of_two_that_want_one_spare_one_makes_another() {
        let (_root, data) = data();
        let (first, lock) = attempt(&data, None);
        std::fs::remove_dir(first.file(WORK)).unwrap();
        drop(lock);
        assert!(retire(&data, &first).unwrap());
        let name = Some(first.attempt().0);
        let ready = [Spare::make_ready(&data, name).unwrap(), Spare::make_ready(&data, name).unwrap()];
        assert_eq!(ready[0].path, data.spare(first.attempt().0));
        assert_ne!(ready[0].path, ready[1].path);
        data.remove_asides().unwrap();
        assert_eq!(names(&data), 2, "both belong to living shims");
    }

    #[test]
    fn what_is_not_as_it_was_made_is_not_used_again() {
        let spoil: [fn(&AttemptDir); 5] = [
            |dir| std::fs::write(dir.file("script"), "x").unwrap(),
            |dir| std::fs::hard_link(dir.file(OUTPUT), dir.path().with_extension("link")).unwrap(),
            |dir| std::fs::set_permissions(dir.path(), Permissions::from_mode(0o711)).unwrap(),
            |dir| std::fs::set_permissions(dir.file(RECORD), Permissions::from_mode(0o644)).unwrap(),
            |dir| {
                std::fs::remove_file(dir.file(OUTPUT)).unwrap();
                std::os::unix::fs::symlink("/dev/null", dir.file(OUTPUT)).unwrap();
            },
        ];
        for (number, spoil) in spoil.iter().enumerate() {
            let (_root, data) = data();
            let (dir, _lock) = attempt(&data, None);
            std::fs::remove_dir(dir.file(WORK)).unwrap();
            spoil(&dir);
            assert!(!retire(&data, &dir).unwrap() && dir.path().exists(), "{number}");
        }
    }
}
