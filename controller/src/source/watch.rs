//! The kernel's word that a folder changed, put together until it falls silent. It is only a hint: one that is lost costs time,
//! never truth.

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A burst of changes is over after so much silence.
const QUIET: Duration = Duration::from_millis(150);
/// A burst that does not end is looked at after so long.
const LONGEST_BURST: Duration = Duration::from_secs(2);

/// A folder that is watched.
#[derive(Debug)]
pub struct Watch {
    root: PathBuf,
    /// Device and inode of what is watched; `None` where nothing stood there.
    identity: Option<(u64, u64)>,
    changed: Arc<Notify>,
    // Dropping it ends the watch.
    watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Watches a folder. Where the kernel cannot, that is said in the log and the poll does it alone.
    pub fn of(root: &Path) -> Self {
        let changed = Arc::new(Notify::new());
        let identity = identity(root);
        let watcher = watcher(root, Arc::clone(&changed));
        let said = watcher.inspect_err(|error| {
            tracing::warn!(%error, folder = %root.display(), "the folder cannot be watched; it is only polled");
        });
        Self { root: root.to_owned(), identity, changed, watcher: said.ok() }
    }

    /// Waits until something changed and it is quiet again. Never where the kernel cannot watch.
    pub async fn changed(&self) {
        self.changed.notified().await;
        let end = Instant::now() + LONGEST_BURST;
        while tokio::time::timeout_at(end.min(Instant::now() + QUIET), self.changed.notified()).await.is_ok() {}
    }

    /// Watches anew if another folder stands there now: the kernel goes on to watch the old one. True if so; what changed before
    /// was told to nobody.
    pub fn renew(&mut self) -> bool {
        let other = identity(&self.root) != self.identity;
        if other {
            *self = Self::of(&self.root);
        }
        other
    }

    /// Watches anew if it did not work the last time.
    pub fn mend(&mut self) {
        if self.watcher.is_none() {
            *self = Self::of(&self.root);
        }
    }
}

/// Which folder stands at a path.
fn identity(root: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(root).map(|meta| (meta.dev(), meta.ino())).ok()
}

fn watcher(root: &Path, changed: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // Our own reading is an access, and must not wake us.
        if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
            changed.notify_one();
        }
    })?;
    watcher.watch(root, RecursiveMode::Recursive)?;
    Ok(watcher)
}

#[cfg(test)]
mod tests {
    use super::Watch;
    use std::time::Duration;

    #[tokio::test]
    async fn a_change_is_heard_and_reading_is_not() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("sub")).unwrap();
        let mut watch = Watch::of(root.path());
        std::fs::write(root.path().join("sub/a.yaml"), "x").unwrap();
        tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.expect("a write is heard");
        std::fs::read(root.path().join("sub/a.yaml")).unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(400), watch.changed()).await.is_err(), "a read is no change");
        assert!(!watch.renew(), "the same folder stands there");
    }

    #[tokio::test]
    async fn a_folder_that_comes_later_is_watched_then() {
        let root = tempfile::tempdir().unwrap();
        let mut watch = Watch::of(&root.path().join("later"));
        std::fs::create_dir(root.path().join("later")).unwrap();
        assert!(watch.renew());
        std::fs::write(root.path().join("later/a.yaml"), "x").unwrap();
        tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.expect("a write is heard");
    }
}
