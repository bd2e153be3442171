//! The data folder's layout, and the one way small files are written durably in it.
//!
//! ```text
//! DATA/lock                    held by the running agent
//! DATA/identity.key, identity.next, welcomed  see `identity`
//! DATA/journal                 see `journal`
//! DATA/attempts/ID.lock        held by the attempt's shim for its whole life
//! DATA/attempts/ID/            its mkdir is the claim: whoever wins may start the command, nobody else ever
//! DATA/attempts/ID.aside/      what a recovery fills before it becomes the claim, by a rename that replaces nothing
//!     kept                     the boot in which the empty folder is still needed, see `leftovers`
//!     control                  FIFO: stop requests to the shim
//!     started, exit            sealed records, see `record`
//!     stdout, stderr           spools, see `spool`
//!     work/                    the command's $PULSE_WORKDIR, with its files
//!     script                   the text of a command that is too long for an argument
//! ```

use crate::removal::remove_tree;
use pulse_protocol::AttemptId;
use pulse_protocol::failpoint::{self, Act};
use pulse_protocol::planted::{self, Bug};
use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use rustix::io::Errno;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The agent's data folder.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// Names the folder; nothing is touched.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Makes what is missing, all of it private to the agent's user.
    pub fn create(&self) -> io::Result<()> {
        private_dirs().recursive(true).create(self.attempts())
    }

    /// Takes the folder for this process. `None`: another agent has it.
    pub fn lock(&self) -> io::Result<Option<File>> {
        try_lock(&self.root.join("lock"))
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where attempts have their folders.
    pub fn attempts(&self) -> PathBuf {
        self.root.join("attempts")
    }

    /// One attempt's folder.
    pub fn attempt(&self, attempt: AttemptId) -> AttemptDir {
        AttemptDir { path: self.attempts().join(attempt.to_string()), lock: self.attempts().join(format!("{attempt}.lock")) }
    }
}

/// One attempt's folder; it need not exist.
#[derive(Debug, Clone)]
pub struct AttemptDir {
    path: PathBuf,
    lock: PathBuf,
}

impl AttemptDir {
    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes the folder. `false`: it exists, so somebody else has claimed the attempt. It need not outlive a power cut, and no sync is waited
    /// for: the journal's `starting` does, and whoever finds that in another boot asks for no claim, but for the exit record.
    pub fn claim(&self) -> io::Result<bool> {
        match private_dirs().create(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(planted::is(Bug::NoClaim)),
            Err(error) => Err(error),
        }
    }

    /// As [`AttemptDir::claim`], with what `fill` puts into the folder, all at once: a folder that could not be filled, because the disk is
    /// full, claims nothing. A file system that cannot rename without replacing gets the claim first and its content then.
    pub fn claim_with(&self, fill: impl Fn(&Path) -> io::Result<()>) -> io::Result<bool> {
        let aside = self.aside();
        match private_dirs().create(&aside) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => fill(&aside)?,
        }
        match renameat_with(CWD, &aside, CWD, &self.path, RenameFlags::NOREPLACE) {
            Ok(()) => self.sync_name().map(|()| true),
            Err(Errno::EXIST) => remove_tree(&aside).map(|()| false),
            Err(Errno::INVAL | Errno::NOSYS) => {
                remove_tree(&aside)?;
                Ok(self.claim()? && fill(&self.path).and_then(|()| self.sync_name()).map(|()| true)?)
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// Lets the folder's name outlive a power cut.
    pub fn sync_name(&self) -> io::Result<()> {
        sync_dir(self.path.parent().unwrap_or(&self.path))
    }

    /// Where a folder is filled before it takes its place.
    fn aside(&self) -> PathBuf {
        self.path.with_extension("aside")
    }

    /// Takes the shim's lock. `None`: a living shim has it.
    pub fn try_lock(&self) -> io::Result<Option<File>> {
        try_lock(&self.lock)
    }

    /// Whether a living shim has the lock.
    pub fn is_supervised(&self) -> io::Result<bool> {
        match File::open(&self.lock) {
            Ok(file) => match flock(&file, FlockOperation::NonBlockingLockShared) {
                Ok(()) => Ok(false),
                Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
                Err(errno) => Err(errno.into()),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes everything of the attempt; what is gone already is no error.
    pub fn remove(&self) -> io::Result<()> {
        failpoint::around(Act::RemoveFiles, || self.remove_all())
    }

    fn remove_all(&self) -> io::Result<()> {
        for result in [remove_tree(&self.path), remove_tree(&self.aside()), std::fs::remove_file(&self.lock)] {
            match result {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Writes `name`, which is `act`, so that after a crash either the old file or the whole new one is there.
#[expect(clippy::disallowed_methods, reason = "the way of small files to the disk, between their points")]
pub fn write_durably(act: Act, dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    failpoint::before(act)?;
    let temporary = dir.join(format!("{name}.tmp"));
    let mut file = private_file().write(true).create(true).truncate(true).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    std::fs::rename(&temporary, dir.join(name))?;
    sync_dir(dir)?;
    failpoint::after(act)
}

/// Writes `name`, which is `act`, so that whoever reads it, in this boot, finds nothing or all of it. After a power cut it may be missing, or
/// damaged, until the file that is returned has been synced.
pub fn write_whole(act: Act, dir: &Path, name: &str, bytes: &[u8]) -> io::Result<File> {
    failpoint::before(act)?;
    let temporary = dir.join(format!("{name}.tmp"));
    let mut file = private_file().write(true).create(true).truncate(true).open(&temporary)?;
    file.write_all(bytes)?;
    std::fs::rename(&temporary, dir.join(name))?;
    failpoint::after(act)?;
    Ok(file)
}

/// Makes names in a folder durable.
#[expect(clippy::disallowed_methods, reason = "it is part of acts that have their points")]
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Options for files that only the agent's user may read.
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

fn private_dirs() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let file = private_file().write(true).create(true).truncate(false).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_claimed_once_and_its_lock_is_seen() {
        let root = tempfile::tempdir().unwrap();
        let data = DataDir::new(root.path());
        data.create().unwrap();
        let attempt = data.attempt(AttemptId(uuid::Uuid::now_v7()));
        assert!(!attempt.is_supervised().unwrap());
        assert!(attempt.claim().unwrap());
        assert!(!attempt.claim().unwrap());
        let lock = attempt.try_lock().unwrap();
        assert!(lock.is_some() && attempt.is_supervised().unwrap());
        assert!(attempt.try_lock().unwrap().is_none());
        drop(lock);
        assert!(!attempt.is_supervised().unwrap());
        attempt.remove().unwrap();
        attempt.remove().unwrap();
    }

    #[test]
    fn a_claim_with_something_in_it_is_all_or_nothing() {
        let root = tempfile::tempdir().unwrap();
        let data = DataDir::new(root.path());
        data.create().unwrap();
        let attempt = data.attempt(AttemptId(uuid::Uuid::now_v7()));
        let full = |_: &Path| Err(ErrorKind::StorageFull.into());
        assert_eq!(attempt.claim_with(full).unwrap_err().kind(), ErrorKind::StorageFull);
        assert!(!attempt.path().exists());
        let fill = |folder: &Path| std::fs::write(folder.join("it"), "x");
        assert!(attempt.claim_with(fill).unwrap() && attempt.file("it").exists());
        assert!(!attempt.claim_with(fill).unwrap() && !attempt.claim().unwrap());
        let other = data.attempt(AttemptId(uuid::Uuid::now_v7()));
        assert!(other.claim().unwrap() && !other.claim_with(fill).unwrap() && !other.file("it").exists());
        assert!(!other.aside().exists());
        attempt.claim_with(full).unwrap_err();
        attempt.remove().unwrap();
        assert!(!attempt.path().exists() && !attempt.aside().exists());
    }

    #[test]
    fn one_agent_per_data_folder() {
        let root = tempfile::tempdir().unwrap();
        let data = DataDir::new(root.path());
        let first = data.lock().unwrap();
        assert!(first.is_some());
        assert!(data.lock().unwrap().is_none());
    }
}
