//! What listeners are told: a bounded ring of numbered notices that all of them read, each at its own pace. A listener has a place
//! in the ring and no queue of its own, so that one that is slow costs nothing and holds nobody up; when the ring has gone
//! on without it, it is told that it has lost notices, and goes on with the next one.
//!
//! Nothing here is true by itself: a notice is a hint to look.

mod listener;
mod notice;
mod position;

pub use listener::{Heard, Listener};
pub use notice::{Notice, Waits};
pub use position::{InvalidPosition, Position};

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::watch;

/// Notices that are kept for listeners that come back, or are slow.
pub const KEPT: usize = 4096;

/// The ring; clones share it.
#[derive(Clone)]
pub struct Feed {
    inner: Arc<Inner>,
}

struct Inner {
    /// Of this start of the controller: numbers of another one mean nothing.
    stream: String,
    ring: Mutex<Ring>,
    /// The number of the newest notice.
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct Ring {
    kept: VecDeque<Arc<Told>>,
    /// The number of the newest one; 0 before the first.
    newest: u64,
}

/// A notice with its number.
#[derive(Debug)]
pub struct Told {
    /// Its number; without gaps.
    pub number: u64,
    /// What it says.
    pub notice: Notice,
    text: OnceLock<String>,
}

impl Told {
    /// Its text, made once for all listeners.
    pub fn text(&self, make: impl FnOnce(&Self) -> String) -> &str {
        self.text.get_or_init(|| make(self))
    }
}

impl Feed {
    /// A ring with nothing in it, of a stream of this name.
    pub fn new(stream: String) -> Self {
        let inner = Inner { stream, ring: Mutex::default(), newest: watch::channel(0).0 };
        Self { inner: Arc::new(inner) }
    }

    /// Tells everybody.
    pub fn tell(&self, notice: Notice) {
        let mut ring = self.ring();
        ring.newest += 1;
        let told = Told { number: ring.newest, notice, text: OnceLock::new() };
        if ring.kept.len() == KEPT {
            ring.kept.pop_front();
        }
        ring.kept.push_back(Arc::new(told));
        // Under the lock, so that it never goes back.
        self.inner.newest.send_replace(ring.newest);
    }

    /// The position of a number in this stream.
    pub fn position(&self, number: u64) -> Position {
        Position { stream: self.inner.stream.clone(), number }
    }

    /// Listens: to what comes after a position, where that is still known, else to what comes from now on.
    pub fn listen(&self, after: Option<&Position>) -> Listener {
        let changed = self.inner.newest.subscribe();
        let ring = self.ring();
        let known = |after: &&Position| after.stream == self.inner.stream && ring.has_all_after(after.number);
        let from = after.filter(known).map(|after| after.number);
        let lost = after.is_some() && from.is_none();
        Listener::new(self.clone(), changed, from.unwrap_or(ring.newest), lost)
    }

    /// The notice after a number; the newest number where that notice is gone already.
    fn after(&self, number: u64) -> Result<Option<Arc<Told>>, u64> {
        let ring = self.ring();
        match ring.has_all_after(number) {
            true => Ok(ring.kept.get(ring.kept.len() - usize::try_from(ring.newest - number).unwrap_or(0)).cloned()),
            false => Err(ring.newest),
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.inner.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// A number that is yet to come is of nobody who listened here.
    fn has_all_after(&self, number: u64) -> bool {
        self.newest.checked_sub(number).is_some_and(|missing| missing <= self.kept.len() as u64)
    }
}

#[cfg(test)]
mod tests;
