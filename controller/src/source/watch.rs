//! When to look at a folder: the kernel's word, put together until it falls silent, and a poll with jitter for what the kernel
//! does not say. All of it is hints: one that is lost costs time, never truth.

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A burst of changes is over after so much silence.
const QUIET: Duration = Duration::from_millis(150);
/// A burst that does not end is looked at after so long.
const LONGEST_BURST: Duration = Duration::from_secs(2);

/// Hints that a folder may have changed.
#[derive(Debug)]
pub struct Hints {
    changed: Arc<Notify>,
    poll: Duration,
    // Dropping it ends the watch.
    _watcher: Option<RecommendedWatcher>,
}

/// Watches a folder. Where the kernel cannot, that is said in the log and the poll does it alone.
pub fn watch(root: &Path, poll: Duration) -> Hints {
    let changed = Arc::new(Notify::new());
    let watcher = watcher(root, Arc::clone(&changed));
    let watcher = watcher
        .inspect_err(|error| {
            tracing::warn!(%error, folder = %root.display(), "the folder cannot be watched; it is only polled");
        })
        .ok();
    Hints { changed, poll, _watcher: watcher }
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

impl Hints {
    /// Waits until it is time to look. True: something was heard; false: only the time has come.
    pub async fn next(&self) -> bool {
        if tokio::time::timeout(jittered(self.poll), self.changed.notified()).await.is_err() {
            return false;
        }
        let end = Instant::now() + LONGEST_BURST;
        while tokio::time::timeout_at(end.min(Instant::now() + QUIET), self.changed.notified()).await.is_ok() {}
        true
    }
}

/// Up to a tenth more or less, so that many controllers do not look in the same instant.
fn jittered(period: Duration) -> Duration {
    let mut random = [0; 2];
    if getrandom::fill(&mut random).is_err() {
        return period;
    }
    period.mul_f64(0.9 + 0.2 * f64::from(u16::from_be_bytes(random)) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::{jittered, watch};
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_change_is_heard_and_reading_is_not() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("sub")).unwrap();
        let hints = watch(root.path(), LONG);
        std::fs::write(root.path().join("sub/a.yaml"), "x").unwrap();
        assert!(tokio::time::timeout(Duration::from_secs(20), hints.next()).await.expect("a write is heard"));
        std::fs::read(root.path().join("sub/a.yaml")).unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(400), hints.next()).await.is_err(), "a read is no change");
    }

    #[tokio::test(start_paused = true)]
    async fn without_any_word_the_poll_looks() {
        let hints = watch(std::path::Path::new("/no/such/folder"), LONG);
        let start = tokio::time::Instant::now();
        assert!(!hints.next().await);
        let waited = start.elapsed();
        assert!(waited >= LONG.mul_f64(0.89) && waited <= LONG.mul_f64(1.11), "{waited:?}");
    }

    #[test]
    fn jitter_stays_within_a_tenth() {
        let waits: Vec<_> = (0..100).map(|_| jittered(LONG)).collect();
        assert!(waits.iter().all(|wait| *wait >= LONG.mul_f64(0.89) && *wait <= LONG.mul_f64(1.11)));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
