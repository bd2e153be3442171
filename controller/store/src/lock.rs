//! The kernel lock on the data folder: it says who owns an embedded database. The kernel lets go of it when the process ends,
//! however it ends, so no stale lock needs a person.

use crate::Error;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// Name of the lock file in the data folder.
pub(crate) const LOCK_FILE: &str = "controller.lock";

/// Held as long as it lives.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the lock of this folder, which is made if it is missing; never waits.
    pub(crate) fn take(folder: &Path) -> Result<Self, Error> {
        let blame = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Folder { path, source }
        };
        std::fs::create_dir_all(folder).map_err(blame(folder))?;
        let path = folder.join(LOCK_FILE);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(blame(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { path }),
            Err(TryLockError::Error(source)) => Err(Error::Folder { path, source }),
        }
    }
}
