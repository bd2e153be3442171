//! The kernel's word that a folder changed, put together until it falls silent. It is only a hint: one that is lost costs time,
//! never truth.

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
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
    place: Place,
    changed: Arc<Notify>,
    // Dropping it ends the watch.
    watcher: Option<RecommendedWatcher>,
}

/// Which folder stood at a path: its device and inode, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(Option<(u64, u64)>);

impl Watch {
    /// Watches a folder; `None` where `known` still stands there, because the kernel goes on to watch a folder that was moved away.
    /// Where the kernel cannot watch, that is said in the log and the poll does it alone. Blocks, and may hang in a file system.
    pub fn unless(root: &Path, known: Option<Place>) -> Option<Self> {
        let place = Place(std::fs::metadata(root).map(|meta| (meta.dev(), meta.ino())).ok());
        (known != Some(place)).then(|| {
            let changed = Arc::new(Notify::new());
            let watcher = watcher(root, Arc::clone(&changed));
            let said = watcher.inspect_err(|error| {
                tracing::warn!(%error, folder = %root.display(), "the folder cannot be watched; it is only polled");
            });
            Self { place, changed, watcher: said.ok() }
        })
    }

    /// What is watched.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Whether the kernel watches.
    pub fn hears(&self) -> bool {
        self.watcher.is_some()
    }

    /// Waits until something changed and it is quiet again. Never where the kernel cannot watch.
    pub async fn changed(&self) {
        self.changed.notified().await;
        let end = Instant::now() + LONGEST_BURST;
        while tokio::time::timeout_at(end.min(Instant::now() + QUIET), self.changed.notified()).await.is_ok() {}
    }
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
        let watch = Watch::unless(root.path(), None).unwrap();
        std::fs::write(root.path().join("sub/a.yaml"), "x").unwrap();
        tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.expect("a write is heard");
        std::fs::read(root.path().join("sub/a.yaml")).unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(400), watch.changed()).await.is_err(), "a read is no change");
        assert!(Watch::unless(root.path(), Some(watch.place())).is_none(), "the same folder stands there");
    }

    #[tokio::test]
    async fn a_folder_that_comes_later_is_watched_then() {
        let root = tempfile::tempdir().unwrap();
        let later = root.path().join("later");
        let nothing = Watch::unless(&later, None).unwrap();
        assert!(!nothing.hears() && Watch::unless(&later, Some(nothing.place())).is_none());
        std::fs::create_dir(&later).unwrap();
        let watch = Watch::unless(&later, Some(nothing.place())).expect("another one stands there");
        assert!(watch.hears());
        std::fs::write(later.join("a.yaml"), "x").unwrap();
        tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.expect("a write is heard");
    }
}
