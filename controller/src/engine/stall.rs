//! Time in which this controller could not work, though it held the leases: it stood still, its database did not answer, its
//! clock was stepped forward. Whatever it was, the database has answered nothing meanwhile by the clock that deadlines are judged
//! by, and that is what is asked here. Such a span is an absence like any other: it is written down and known in memory before
//! anything is decided at an instant after it.

use super::{Engine, EngineError};
use crate::clock;
use pulse_core::Timestamp;
use pulse_core::elapsed::Span;
use std::sync::{Mutex, PoisonError};

/// An answer of the database holds for so long; with its renewals of the leases it answers each 3 s.
const ALIVE_MICROS: i64 = 5_000_000;

/// When the database has answered last.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// None until the absence before this controller is noted.
    last: Mutex<Option<Timestamp>>,
    /// Who notes a span: one at a time.
    pub(super) noting: tokio::sync::Mutex<()>,
}

impl Answered {
    /// The span since the last answer, if it is too long. A clock that was set back makes none.
    fn gap(&self, now: Timestamp) -> Option<Span> {
        let from = (*self.last.lock().unwrap_or_else(PoisonError::into_inner))?;
        (now.0.saturating_sub(from.0) > ALIVE_MICROS).then_some(Span { from, to: now })
    }

    /// It answers now. A span that is still to be noted stays.
    fn hear(&self, now: Timestamp) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = last.map(|last| if now.0.saturating_sub(last.0) > ALIVE_MICROS { last } else { now });
    }

    /// Everything up to this instant is accounted for.
    pub(super) fn settle(&self, until: Timestamp) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
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

#[cfg(test)]
mod tests {
    use super::Answered;
    use pulse_core::Timestamp;
    use pulse_core::elapsed::Span;

    const SECOND: i64 = 1_000_000;
    fn at(seconds: i64) -> Timestamp {
        Timestamp(1_700_000_000 * SECOND + seconds * SECOND)
    }

    #[test]
    fn a_gap_is_what_no_answer_covers() {
        let answered = Answered::default();
        answered.hear(at(0));
        assert_eq!(answered.gap(at(7200)), None, "nothing counts before the absence that was found is noted");
        answered.settle(at(0));
        assert_eq!(answered.gap(at(5)), None);
        answered.hear(at(5));
        // A stall, a database that was away, or a step of the clock: its first answer afterwards does not hide it.
        let gap = Some(Span { from: at(5), to: at(7200) });
        assert_eq!(answered.gap(at(7200)), gap);
        answered.hear(at(7200));
        assert_eq!(answered.gap(at(7200)), gap);
        answered.settle(at(7200));
        assert_eq!(answered.gap(at(7201)), None);
        // Set back: no negative span, and the next one counts from there.
        answered.hear(at(3600));
        assert_eq!(answered.gap(at(3600)), None);
        assert_eq!(answered.gap(at(3606)), Some(Span { from: at(3600), to: at(3606) }));
    }
}
