//! The one writer of executions. It takes what waits, up to 256 items, without a timer, and commits it as one batch: the fence
//! first, then multi-row statements. A conflict rolls the batch back and replays it item by item, so that only the stale one
//! fails; a COMMIT whose answer got lost is settled by reading keys.
//!
//! ```text
//! submit ─▶ item.rs (checked, encoded) ─▶ queue ─▶ task.rs (batches) ─▶ batch.rs (statements) ─▶ COMMIT
//!                                                     ▲ conflict: one by one ─┘    settle.rs ◀─ unclear ┘
//! ```

mod batch;
mod error;
mod item;
mod settle;
mod task;
#[cfg(test)]
mod tests;

pub use error::WriteError;
pub use item::WriteItem;

use crate::open::Database;
use crate::sql::MAX_ROWS;
use item::Prepared;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// Items that may wait; beyond it, callers wait before they can submit.
const QUEUE: usize = 4 * MAX_ROWS;

/// An item with its waiting caller.
#[derive(Debug)]
struct Pending {
    item: Prepared,
    answer: oneshot::Sender<Result<(), WriteError>>,
}

/// Hands items to the writer. Cheap to clone; it ends with the last clone of its store.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::Sender<Pending>,
    /// Its sender lives as long as the task.
    done: watch::Receiver<()>,
}

impl Writer {
    pub(crate) fn start(database: Arc<Database>, stopped: watch::Receiver<bool>) -> Self {
        let (queue, items) = mpsc::channel(QUEUE);
        let (alive, done) = watch::channel(());
        tokio::spawn(task::run(database, items, stopped, alive));
        Self { queue, done }
    }

    /// Writes an item. `Ok` means that it is durable; any error but [`WriteError::Unclear`] that nothing of it is. After an
    /// error the caller's picture of the execution may be old: it reads the history again before it decides anew.
    pub async fn submit(&self, item: WriteItem) -> Result<(), WriteError> {
        let item = item.prepare()?;
        let (answer, answered) = oneshot::channel();
        self.queue.send(Pending { item, answer }).await.map_err(|_| WriteError::Closed)?;
        // A task that ends between taking and answering leaves it open whether the item was written.
        answered.await.unwrap_or_else(|_| Err(WriteError::Unclear { cause: "the writer ended".to_owned() }))
    }

    /// Whether items wait to be written.
    pub(crate) fn is_busy(&self) -> bool {
        self.waiting() > 0
    }

    /// Items that wait to be written.
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Waits until the writer has ended.
    pub(crate) async fn ended(&self) {
        let mut done = self.done.clone();
        while done.changed().await.is_ok() {}
    }
}
