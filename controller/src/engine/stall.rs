//! Time in which this controller could not work, though it held the leases: it stood still, its database did not answer, its
//! clock was stepped forward. Whatever it was, the database has answered nothing meanwhile by the clock that deadlines are judged
//! by, and that is what is asked here. Such a span is an absence like any other: it is written down and known in memory before
//! anything is decided at an instant after it.

use super::{Engine, EngineError};
use crate::clock;
use pulse_core::Timestamp;
use pulse_core::elapsed::{self, Span};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// When the database has answered last.
#[derive(Debug, Default)]
pub(super) struct Answered {
    last: Mutex<elapsed::Answered>,
    /// Who notes a span: one at a time.
    pub(super) noting: tokio::sync::Mutex<()>,
}

impl Answered {
    fn gap(&self, now: Timestamp) -> Option<Span> {
        self.last().gap(now)
    }

    fn hear(&self, now: Timestamp) {
        self.last().hear(now);
    }

    /// Everything up to this instant is accounted for.
    pub(super) fn settle(&self, until: Timestamp) {
        self.last().settle(until);
    }

    fn last(&self) -> MutexGuard<'_, elapsed::Answered> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Says that the database has answered.
    pub(crate) fn heard_of_database(&self) {
        self.inner.answered.hear(clock::now());
    }

    /// The time now, once every span before it in which this controller could not work is noted. What is decided at the instant
    /// that this answers takes none of them for time that people had.
    pub async fn caught_up(&self) -> Result<Timestamp, EngineError> {
        let answered = &self.inner.answered;
        let now = clock::now();
        if answered.gap(now).is_none() {
            return Ok(now);
        }
        let _noting = answered.noting.lock().await;
        loop {
            let now = clock::now();
            let Some(span) = answered.gap(now) else { return Ok(now) };
            match self.inner.store.note_absence(span).await {
                Ok(()) => {}
                Err(pulse_store::Error::Fenced) => {
                    self.lost();
                    return Err(pulse_store::Error::Fenced.into());
                }
                Err(error) => return Err(error.into()),
            }
            tracing::warn!(from = %span.from, to = %span.to, "this controller could not work; deadlines of people stood still");
            self.inner.fleet.lock().add_absence(span);
            self.forgive_silence();
            answered.settle(span.to);
        }
    }
}
