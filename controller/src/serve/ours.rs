//! The data folder is one process's at a time, by a lock that the kernel lets go of when the process ends, however it ends. That
//! also proves something about names: whoever was named after this very folder before is dead now.

use anyhow::{Context, bail};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The lock file in the data folder. (That of an embedded database, `controller.lock`, lies beside the database.)
const FILE: &str = "process.lock";

/// The proof that the data folder is ours, for as long as it lives.
#[derive(Debug)]
pub(super) struct Ours {
    _lock: File,
    /// Names this folder on this machine since its last boot; empty where that cannot be said.
    place: String,
}

impl Ours {
    /// Takes the lock of an existing folder; never waits.
    pub(super) fn take(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        let lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let lock = lock.with_context(|| format!("cannot use {} (PULSE_DATA_DIR)", path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "{} is locked: another pulse-controller runs on this data folder; stop it, or give this one another folder",
                path.display()
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
        let meta = lock.metadata().with_context(|| format!("cannot look at {}", path.display()))?;
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let place = if boot.is_empty() { boot } else { format!("{}.{:x}.{:x}", boot.trim(), meta.dev(), meta.ino()) };
        Ok(Self { _lock: lock, place })
    }

    /// A name of this process and no other, which shows people where it runs: `host:port/uuid/place`.
    pub(super) fn name(&self, port: u16) -> String {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        format!("{host}:{port}/{}/{}", uuid::Uuid::now_v7(), self.place)
    }
}

/// Whether the controller of this name is known to be dead: it held the lock that the owner of `own` holds now.
pub(super) fn is_dead(holder: &str, own: &str) -> bool {
    let place = |name: &str| name.rsplit_once('/').map(|(_, place)| place.to_owned()).filter(|place| !place.is_empty());
    holder != own && place(holder).is_some_and(|held| place(own) == Some(held))
}

#[cfg(test)]
mod tests {
    use super::{Ours, is_dead};

    #[test]
    fn a_folder_is_one_process_s_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Ours::take(folder.path()).unwrap();
        let refused = Ours::take(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("another pulse-controller runs on this data folder"), "{refused}");
        let name = first.name(8080);
        drop(first);
        let next = Ours::take(folder.path()).unwrap().name(8081);
        assert!(is_dead(&name, &next) && is_dead(&next, &name) && !is_dead(&next, &next));
        assert!(name.len() <= 255 && name.contains(":8080/"), "{name}");
    }

    #[test]
    fn of_another_folder_nothing_is_known() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let name = |folder: &tempfile::TempDir| Ours::take(folder.path()).unwrap().name(1);
        assert!(!is_dead(&name(&one), &name(&other)));
        for (holder, own) in [("h:1/a/", "h:1/b/"), ("", "h:1/b/x"), ("controller-1", "h:1/b/controller-1")] {
            assert!(!is_dead(holder, own), "{holder} {own}");
        }
    }
}
