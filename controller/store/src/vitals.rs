//! What the store counts of itself, for whoever watches it: atomics that cost a write nothing. Whose metrics they become, and under which
//! names, is the controller's business.

use crate::{Error, faults};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

/// Items of one batch.
const SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// Seconds of one commit: a fast disk, a slow one, one that is in trouble.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 20.0];

/// What the store counts. Clones share it, so that it outlives each store of a process.
#[derive(Debug, Clone)]
pub struct Vitals {
    /// Items of each batch of executions that was committed.
    pub batch_size: Histogram,
    /// Seconds from the begin of such a batch to its durable end, tries included.
    pub batch_seconds: Histogram,
    /// Transactions that were tried again.
    pub retries: Counter,
    /// Tries that may go well later: the database is away, busy or full.
    pub transient: Counter,
    /// Tries that need a person.
    pub lasting: Counter,
    /// Writes that the fence refused.
    pub fenced: Counter,
    /// Commits whose answer was lost.
    pub unclear: Counter,
}

impl Default for Vitals {
    fn default() -> Self {
        Self {
            batch_size: Histogram::new(SIZES),
            batch_seconds: Histogram::new(SECONDS),
            retries: Counter::default(),
            transient: Counter::default(),
            lasting: Counter::default(),
            fenced: Counter::default(),
            unclear: Counter::default(),
        }
    }
}

impl Vitals {
    /// What came of a try.
    pub(crate) fn note(&self, error: &Error) {
        match error {
            Error::Fenced => {
                self.fenced.inc();
            }
            Error::Unclear { .. } => {
                self.unclear.inc();
            }
            Error::Database(error) => self.note_database(error),
            // Of what the caller asked, not of the database.
            _ => {}
        }
    }

    /// The same of the database's own word.
    pub(crate) fn note_database(&self, error: &sqlx::Error) {
        if faults::is_transient(error) {
            self.transient.inc()
        } else {
            self.lasting.inc()
        };
    }
}
