//! The agents' sessions, as far as their end goes: at a stop every agent is told to come again, so that it looks for the next controller at once
//! instead of finding out by itself.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long telling them may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many there are, and whether they are sent away; clones share it.
#[derive(Debug, Clone)]
pub struct Sessions {
    open: Arc<watch::Sender<usize>>,
    away: Arc<watch::Sender<bool>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct Open(Arc<watch::Sender<usize>>);

impl Default for Sessions {
    fn default() -> Self {
        Self { open: Arc::new(watch::Sender::new(0)), away: Arc::new(watch::Sender::new(false)) }
    }
}

impl Sessions {
    /// One more.
    pub fn begin(&self) -> Open {
        self.open.send_modify(|open| *open += 1);
        Open(Arc::clone(&self.open))
    }

    /// Waits until they are sent away.
    pub async fn away(&self) {
        // Its sender lives as long as this.
        drop(self.away.subscribe().wait_for(|away| *away).await);
    }

    /// Whether they are.
    pub fn are_sent_away(&self) -> bool {
        *self.away.borrow()
    }

    /// Sends all of them away, and waits for a moment until they have heard it.
    pub async fn send_away(&self) {
        self.away.send_replace(true);
        if tokio::time::timeout(PATIENCE, self.open.subscribe().wait_for(|open| *open == 0)).await.is_err() {
            tracing::warn!("some agents could not be told that the controller stops; they find out by themselves");
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}
