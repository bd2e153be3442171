//! The data folder's layout, and the one way small files are written durably in it.
//!
//! ```text
//! DATA/lock                    held by the running agent
//! DATA/identity.key, identity.next, welcomed  see `identity`
//! DATA/journal                 see `journal`
//! DATA/attempts/ID/            its name is the claim: whoever gets it may start the command, nobody else ever. Its shim holds a lock on it for as long as it has the attempt in hand
//!     kept                     the boot in which the empty folder is still needed, see `leftovers`
//!     record                   what the shim leaves for the agent, see `record`
//!     output                   what the command wrote, see `spool`
//!     work/                    the command's $PULSE_WORKDIR, with its files
//!     script                   the text of a command that is too long for an argument
//! DATA/attempts/ID.spare/      what a shim locks before it becomes the claim, by a rename that replaces nothing, see `spare`
//! DATA/attempts/ID.over-PID/   what a recovery fills before it does
//! ```

use crate::removal::remove_tree;
use pulse_protocol::AttemptId;
use pulse_protocol::failpoint::{self, Act};
use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use rustix::io::Errno;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Names the file of records.
pub const RECORD: &str = "record";
/// Names the spool.
pub const OUTPUT: &str = "output";
/// Names the command's work folder.
pub const WORK: &str = "work";

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

    /// Removes folders that never became claims, because the processes that made them were ended before.
    pub fn remove_asides(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(self.attempts())? {
            let path = entry?.path();
            let is_aside = path.extension().is_some()
                && path.file_stem().and_then(|name| name.to_str()?.parse::<AttemptId>().ok()).is_some();
            // One that is locked belongs to a shim that stands before its claim. The lock is held until the folder is gone, so that none takes it meanwhile.
            if is_aside && let Ok(_lock) = lock_folder(&path, FlockOperation::NonBlockingLockExclusive) {
                // One that stays is in nobody's way.
                drop(remove_tree(&path));
            }
        }
        Ok(())
    }

    /// A folder for an attempt to come.
    pub fn spare(&self, name: uuid::Uuid) -> PathBuf {
        self.attempts().join(format!("{name}.spare"))
    }

    /// One attempt's folder.
    pub fn attempt(&self, attempt: AttemptId) -> AttemptDir {
        AttemptDir { path: self.attempts().join(attempt.to_string()), attempt }
    }
}

/// One attempt's folder; it need not exist.
#[derive(Debug, Clone)]
pub struct AttemptDir {
    path: PathBuf,
    attempt: AttemptId,
}

impl AttemptDir {
    /// Whose it is.
    pub fn attempt(&self) -> AttemptId {
        self.attempt
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Takes the attempt as a shim does.
    #[cfg(test)]
    pub fn claim(&self) -> io::Result<Option<File>> {
        let data = DataDir::new(self.path.ancestors().nth(2).unwrap());
        crate::spare::Spare::make_ready(&data, None)?.claim(self)
    }

    /// Makes the folder for an attempt that no shim shall take, with what `fill` puts into it, all at once: a folder that could not be filled,
    /// because the disk is full, claims nothing. A file system that cannot rename without replacing gets the claim first and its content then.
    /// `false`: it exists.
    pub fn claim_with(&self, fill: impl Fn(&Path) -> io::Result<()>) -> io::Result<bool> {
        let aside = self.make_aside()?;
        fill(&aside)?;
        match become_claim(&aside, self)? {
            Claim::Won => self.sync_name().map(|()| true),
            Claim::Lost => remove_tree(&aside).map(|()| false),
            Claim::CannotTell => {
                remove_tree(&aside)?;
                match private_dirs().create(&self.path) {
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
                    made => made?,
                }
                fill(&self.path).and_then(|()| self.sync_name()).map(|()| true)
            }
        }
    }

    /// One that another process of this number left there is as good.
    fn make_aside(&self) -> io::Result<PathBuf> {
        let aside = self.aside();
        match private_dirs().create(&aside) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(aside),
        }
    }

    /// The lock of a folder that is there. `None`: somebody has it.
    pub(crate) fn lock(&self) -> io::Result<Option<File>> {
        match lock_folder(&self.path, FlockOperation::NonBlockingLockExclusive) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            result => result.map(Some),
        }
    }

    /// Lets the folder's name outlive a power cut.
    pub fn sync_name(&self) -> io::Result<()> {
        sync_dir(self.path.parent().unwrap_or(&self.path))
    }

    /// What becomes the folder, by this process.
    fn aside(&self) -> PathBuf {
        self.path.with_extension(format!("over-{}", std::process::id()))
    }

    /// Whether a living shim has the lock.
    pub fn is_supervised(&self) -> io::Result<bool> {
        match lock_folder(&self.path, FlockOperation::NonBlockingLockShared) {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes everything of the attempt; what is gone already is no error.
    pub fn remove(&self) -> io::Result<()> {
        failpoint::around(Act::RemoveFiles, || self.remove_all())
    }

    fn remove_all(&self) -> io::Result<()> {
        // What is there as a rule; whatever else is there, the tree goes.
        for name in [RECORD, OUTPUT] {
            let _ = std::fs::remove_file(self.file(name));
        }
        match std::fs::remove_dir(&self.path).or_else(|_| remove_tree(&self.path)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Gives the folder beside it the claim's name.
pub(crate) fn become_claim(aside: &Path, dir: &AttemptDir) -> io::Result<Claim> {
    match renameat_with(CWD, aside, CWD, dir.path(), RenameFlags::NOREPLACE) {
        Ok(()) => Ok(Claim::Won),
        Err(Errno::EXIST) => Ok(Claim::Lost),
        Err(Errno::INVAL | Errno::NOSYS) => Ok(Claim::CannotTell),
        Err(errno) => Err(errno.into()),
    }
}

/// What came of giving a folder the claim's name.
pub(crate) enum Claim {
    Won,
    /// The name is taken.
    Lost,
    /// The file system cannot rename without replacing; nothing was done.
    CannotTell,
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

/// Makes folders into which only the agent's user may look.
pub(crate) fn private_dirs() -> DirBuilder {
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

/// A lock on a folder that is there; [`ErrorKind::WouldBlock`]: somebody has another. It is shared and given up where it is only asked for.
pub(crate) fn lock_folder(path: &Path, how: FlockOperation) -> io::Result<File> {
    let folder = File::open(path)?;
    flock(&folder, how)?;
    Ok(folder)
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
        let lock = attempt.claim().unwrap();
        assert!(lock.is_some() && attempt.is_supervised().unwrap());
        assert!(attempt.claim().unwrap().is_none());
        drop(lock);
        assert!(!attempt.is_supervised().unwrap());
        assert!(attempt.claim().unwrap().is_none(), "a claim outlives its shim");
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
        assert!(!attempt.claim_with(fill).unwrap() && attempt.claim().unwrap().is_none());
        let other = data.attempt(AttemptId(uuid::Uuid::now_v7()));
        assert!(other.claim().unwrap().is_some() && !other.claim_with(fill).unwrap() && !other.file("it").exists());
        assert!(!other.aside().exists());
        attempt.claim_with(full).unwrap_err();
        attempt.remove().unwrap();
        assert!(!attempt.path().exists() && attempt.aside().exists());
        let before_its_claim = lock_folder(&attempt.aside(), FlockOperation::NonBlockingLockExclusive).unwrap();
        data.remove_asides().unwrap();
        assert!(attempt.aside().exists(), "it belongs to a living shim");
        drop(before_its_claim);
        data.remove_asides().unwrap();
        assert!(!attempt.aside().exists() && other.path().exists());
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
