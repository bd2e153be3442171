//! The only clock. Everything else is told the time.

use pulse_core::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The time now, microseconds UTC.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// A clock that is handed on: the machine's, or one that stands still until it is set. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    set: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's clock.
    pub fn machine() -> Self {
        Self::default()
    }

    /// A clock that shows this instant until it is set to another.
    pub fn standing(at: Timestamp) -> Self {
        Self { set: Some(Arc::new(AtomicI64::new(at.0))) }
    }

    /// Sets a standing clock; the machine's goes its own way.
    pub fn set(&self, at: Timestamp) {
        if let Some(set) = &self.set {
            set.store(at.0, Ordering::SeqCst);
        }
    }

    /// The time that it shows.
    pub fn now(&self) -> Timestamp {
        self.set.as_ref().map_or_else(now, |set| Timestamp(set.load(Ordering::SeqCst)))
    }
}
