//! What waits to be said to the controller. The worker puts in, the connection takes out; per attempt only the newest state
//! waits, so it is bounded by the number of attempts, and output waits in its spools.

use crate::output::{Chunk, Outputs};
use pulse_protocol::message::OutputChunk;
use pulse_protocol::{AttemptId, Epoch, Observation, Observed, ToController};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// An end waits until its output went out, but not longer than this: a store that takes no output must not hide ends.
const HOLD: Duration = Duration::from_secs(30);
/// Most observations in one report, and most bytes of captured text.
const BATCH: usize = 200;
const BATCH_BYTES: usize = 512 * 1024;

/// The agent's picture, to be said whole.
pub type Picture = Vec<Observation>;

/// What waits.
#[derive(Default)]
pub struct Outbox {
    inner: Mutex<Inner>,
    /// Rung when something was put in.
    pub bell: Notify,
    /// The journal's last sequence.
    pub sequence: AtomicU64,
    /// Commands in hand.
    pub running: AtomicU32,
}

#[derive(Default)]
struct Inner {
    reports: BTreeMap<AttemptId, (Observed, Instant)>,
    picture: Option<Picture>,
    outputs: Outputs,
}

/// What goes out next.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// The whole picture.
    Picture(Picture),
    /// Some observations.
    Reports(Vec<Observation>),
    /// A piece of output.
    Chunk(Chunk),
}

impl Next {
    /// As it is said in a session.
    pub fn into_message(self, epoch: Epoch, sequence: u64) -> ToController {
        match self {
            Self::Picture(observations) => ToController::Report { epoch, observations, full: true, sequence },
            Self::Reports(observations) => ToController::Report { epoch, observations, full: false, sequence },
            Self::Chunk(Chunk { attempt, stream, offset, cut, data }) => {
                ToController::Output(OutputChunk { epoch, attempt, stream, offset, cut, data })
            }
        }
    }
}

impl Outbox {
    /// Puts in an attempt's newest state.
    pub fn report(&self, observation: Observation, now: Instant) {
        let Observation { attempt, observed } = observation;
        let mut inner = self.lock();
        let held_since = match inner.reports.get(&attempt) {
            Some((waiting, since)) if *waiting == observed => *since,
            _ => now,
        };
        inner.reports.insert(attempt, (observed, held_since));
        drop(inner);
        self.bell.notify_one();
    }

    /// Puts in the whole picture.
    pub fn put_picture(&self, picture: Picture) {
        self.lock().picture = Some(picture);
        self.bell.notify_one();
    }

    /// Works on the output's book-keeping.
    pub fn outputs<T>(&self, work: impl FnOnce(&mut Outputs) -> T) -> T {
        let result = work(&mut self.lock().outputs);
        self.bell.notify_one();
        result
    }

    /// No session: everything that waits is in the next picture anyway.
    pub fn disconnected(&self) {
        let mut inner = self.lock();
        inner.reports.clear();
        inner.picture = None;
        inner.outputs.disconnected();
    }

    /// Takes what goes out next: states before output.
    pub fn next(&self, now: Instant) -> Option<Next> {
        let inner = &mut *self.lock();
        if let Some(picture) = inner.picture.take() {
            return Some(Next::Picture(picture));
        }
        let reports = inner.take_reports(now);
        if !reports.is_empty() {
            return Some(Next::Reports(reports));
        }
        inner.outputs.next_chunk(now).map(Next::Chunk)
    }

    /// Commands in hand.
    pub fn set_running(&self, running: usize) {
        self.running.store(u32::try_from(running).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn take_reports(&mut self, now: Instant) -> Vec<Observation> {
        let Self { reports, outputs, .. } = self;
        let (mut taken, mut bytes) = (Vec::new(), 0);
        reports.retain(|attempt, (observed, since)| {
            let Observed::Ended(ended) = &*observed else {
                taken.push(Observation { attempt: *attempt, observed: observed.clone() });
                return false;
            };
            let ready = outputs.is_sent(*attempt) || now.saturating_duration_since(*since) >= HOLD;
            if !ready || taken.len() >= BATCH || bytes >= BATCH_BYTES {
                return true;
            }
            bytes += ended.captured.as_ref().map_or(0, String::len);
            taken.push(Observation { attempt: *attempt, observed: observed.clone() });
            false
        });
        taken
    }
}
