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
/// How long it waits to be said that a command was taken, or runs: what comes just after goes with it, or says more. Each report costs the
/// controller a commit.
const LINGER: Duration = Duration::from_millis(20);
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
    reports: BTreeMap<AttemptId, Waiting>,
    picture: Option<Picture>,
    outputs: Outputs,
}

/// What is to be said of an attempt.
struct Waiting {
    /// Its newest state.
    newest: Observed,
    /// That its command runs, where its end came before that was said.
    started: Option<Observed>,
    since: Instant,
}

impl Waiting {
    /// When it is to be said that the command was taken or runs, where that still waits.
    fn due(&self) -> Option<Instant> {
        (self.started.is_some() || !matches!(self.newest, Observed::Ended(_))).then(|| self.since + LINGER)
    }
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
        let (mut started, mut since) = (None, now);
        if let Some(waiting) = inner.reports.remove(&attempt) {
            match (&waiting.newest, &observed) {
                (before, newest) if before == newest => (started, since) = (waiting.started, waiting.since),
                (Observed::Started { .. }, Observed::Ended(_)) => (started, since) = (Some(waiting.newest), waiting.since),
                // What was taken a moment ago runs: that is said when the first would have been.
                (Observed::Accepted, Observed::Started { .. }) => since = waiting.since,
                _ => {}
            }
        }
        inner.reports.insert(attempt, Waiting { newest: observed, started, since });
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

    /// When something that waits only for a moment is to be said.
    pub fn due(&self) -> Option<Instant> {
        self.lock().reports.values().filter_map(Waiting::due).min()
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
        reports.retain(|attempt, waiting| {
            let is_due = waiting.due().is_some_and(|due| now >= due);
            let is_over = match &waiting.newest {
                Observed::Ended(ended) => {
                    let ready = outputs.is_sent(*attempt) || now.saturating_duration_since(waiting.since) >= HOLD;
                    let goes = ready && taken.len() < BATCH && bytes < BATCH_BYTES;
                    bytes += ended.captured.as_ref().filter(|_| goes).map_or(0, String::len);
                    goes
                }
                _ => is_due,
            };
            let started = waiting.started.take_if(|_| is_due || is_over);
            let newest = is_over.then(|| waiting.newest.clone());
            taken.extend(started.into_iter().chain(newest).map(|observed| Observation { attempt: *attempt, observed }));
            !is_over
        });
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulse_protocol::Ended;
    use pulse_protocol::observation::EndKind;
    use uuid::Uuid;

    const ATTEMPT: AttemptId = AttemptId(Uuid::nil());
    const STARTED: Observed = Observed::Started { pid: 7 };

    fn over() -> Observed {
        Observed::Ended(Ended::bare(EndKind::Exited { code: 0 }))
    }

    /// What is said when these come one after another, milliseconds after the first.
    fn said(reports: &[(u64, Observed)], at: &[u64]) -> Vec<(u64, Vec<Observed>)> {
        let (outbox, begun) = (Outbox::default(), Instant::now());
        let later = |ms| begun + Duration::from_millis(ms);
        let mut moments: Vec<u64> = at.iter().copied().chain(reports.iter().map(|(ms, _)| *ms)).collect();
        moments.sort_unstable();
        let mut said = Vec::new();
        for ms in moments {
            for (_, observed) in reports.iter().filter(|(when, _)| *when == ms) {
                outbox.report(Observation { attempt: ATTEMPT, observed: observed.clone() }, later(ms));
            }
            if let Some(Next::Reports(reports)) = outbox.next(later(ms)) {
                said.push((ms, reports.into_iter().map(|report| report.observed).collect()));
            }
        }
        assert_eq!(outbox.due(), None);
        said
    }

    #[test]
    fn what_follows_in_a_moment_is_said_at_once() {
        let all = [(0, Observed::Accepted), (5, STARTED), (9, over())];
        assert_eq!(said(&all, &[30]), [(9, vec![STARTED, over()])]);
        assert_eq!(said(&all[..2], &[19, 20, 30]), [(20, vec![STARTED])]);
        assert_eq!(
            said(&[(0, Observed::Accepted), (25, STARTED)], &[20, 45]),
            [(20, vec![Observed::Accepted]), (45, vec![STARTED])]
        );
        assert_eq!(said(&[(0, STARTED), (30, over())], &[20]), [(20, vec![STARTED]), (30, vec![over()])]);
    }

    #[test]
    fn an_end_that_waits_for_its_output_holds_no_start_back() {
        let (outbox, now) = (Outbox::default(), Instant::now());
        let root = tempfile::tempdir().unwrap();
        let dir = crate::folder::DataDir::new(root.path()).attempt(ATTEMPT);
        outbox.outputs(|outputs| outputs.add(ATTEMPT, &dir, now));
        for observed in [STARTED, over()] {
            outbox.report(Observation { attempt: ATTEMPT, observed }, now);
        }
        let reports = |ms| match outbox.next(now + Duration::from_millis(ms)) {
            Some(Next::Reports(reports)) => reports.into_iter().map(|report| report.observed).collect(),
            _ => Vec::new(),
        };
        assert_eq!(reports(19), []);
        assert_eq!(reports(20), [STARTED]);
        assert_eq!((outbox.due(), reports(29_000)), (None, vec![]));
        assert_eq!(reports(30_000), [over()]);
    }
}
