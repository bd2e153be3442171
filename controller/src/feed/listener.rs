//! Somebody who listens: a place in the ring.

use super::{Feed, Position, Told};
use std::sync::Arc;
use tokio::sync::watch;

/// A place in the ring.
pub struct Listener {
    feed: Feed,
    changed: watch::Receiver<u64>,
    /// The number of the last notice that was heard.
    heard: u64,
    lost: bool,
}

/// What comes next.
#[derive(Debug, Clone)]
pub enum Heard {
    /// A notice.
    Notice(Arc<Told>),
    /// Notices are lost; it goes on after this position.
    Lost(Position),
}

impl Listener {
    pub(super) fn new(feed: Feed, changed: watch::Receiver<u64>, heard: u64, lost: bool) -> Self {
        Self { feed, changed, heard, lost }
    }

    /// Where it stands.
    pub fn position(&self) -> Position {
        self.feed.position(self.heard)
    }

    /// What it asked for was not known any more when it came; said once.
    pub fn begins_lost(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }

    /// What comes next; waits for it. Nothing is lost when this is dropped before it answers.
    pub async fn next(&mut self) -> Heard {
        loop {
            // Seen before it looks, so that what comes meanwhile wakes it.
            self.changed.borrow_and_update();
            match self.feed.after(self.heard) {
                Ok(Some(told)) => {
                    self.heard = told.number;
                    return Heard::Notice(told);
                }
                Err(newest) => {
                    self.heard = newest;
                    return Heard::Lost(self.position());
                }
                // Its sender lives in the feed that this holds.
                Ok(None) => drop(self.changed.changed().await),
            }
        }
    }
}
