//! Traces, for a collector that speaks OTLP. Nothing is traced while it runs: when an execution is over, its spans are made of its history, by a
//! task that stands beside everything else. It is told by a bounded queue that nobody waits for; what does not fit is dropped and counted.
//!
//! ```text
//! end of an execution, sync ─▶ queue ─▶ history (store) ─▶ spans (core) ─▶ otlp.rs ─▶ POST …/v1/traces
//! ```
//!
//! After a start, what ended since the last note is exported once more: the same history gives the same ids, so that nothing is doubled.

mod exporter;
mod otlp;
mod sync;
#[cfg(test)]
mod tests;

pub use exporter::Exporter;

use crate::metrics::Metrics;
use pulse_core::Timestamp;
use pulse_protocol::ExecutionId;
use pulse_store::SyncRecord;
use tokio::sync::mpsc;

/// Ends that may wait for their export.
const QUEUE: usize = 4096;

/// Something that is over, and whose spans are to be made.
#[derive(Debug)]
enum Over {
    Execution(ExecutionId),
    /// A sync that is recorded, and when a webhook asked for it.
    Sync(Box<SyncRecord>, Option<Timestamp>),
}

/// Tells the exporter what is over; clones share it. By default nobody listens.
#[derive(Clone, Default)]
pub struct Tracer {
    queue: Option<(mpsc::Sender<Over>, Metrics)>,
}

/// What the exporter reads.
pub struct Ends(mpsc::Receiver<Over>);

impl Tracer {
    /// A tracer, and what its exporter reads.
    pub fn new(metrics: Metrics) -> (Self, Ends) {
        let (queue, ends) = mpsc::channel(QUEUE);
        (Self { queue: Some((queue, metrics)) }, Ends(ends))
    }

    /// Whether traces are made.
    pub const fn is_on(&self) -> bool {
        self.queue.is_some()
    }

    /// An execution is over, and that is committed.
    pub fn ended(&self, execution: ExecutionId) {
        self.tell(|| Over::Execution(execution));
    }

    /// A sync is recorded.
    pub fn synced(&self, record: &SyncRecord, asked: Option<Timestamp>) {
        self.tell(|| Over::Sync(Box::new(record.clone()), asked));
    }

    fn tell(&self, over: impl FnOnce() -> Over) {
        let Some((queue, metrics)) = &self.queue else { return };
        if queue.try_send(over()).is_err() {
            metrics.work().traced("dropped", 1);
        }
    }
}
