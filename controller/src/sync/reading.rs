//! Who reads a source: one thread at a time, whatever it reads for. A thread that hangs in a file system cannot be ended, so none is
//! put beside it; everybody who comes is told since when it hangs, until it ends. Looks at the branch go before plans.

use super::SyncError;
use crate::clock;
use pulse_core::Timestamp;
use std::pin::pin;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex, Notify, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

/// Plans of a source that are made or wait; there is no use in more.
pub(super) const PLANS: usize = 2;

/// What a source is read for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To make its head live.
    Look,
    /// To plan a branch, tag or commit; its head where none is named.
    Plan(Option<String>),
}

/// What keeps a plan's place: one of [`PLANS`], and the next.
type Place = (OwnedSemaphorePermit, OwnedMutexGuard<()>);

/// A source's one place for a reader.
pub(super) struct Gate {
    plans: Arc<Semaphore>,
    /// Whose plan is next. No other plan waits for the turn, so a look waits for one plan at most.
    next: Arc<Mutex<()>>,
    /// Whose turn it is to read; first come, first served.
    turn: Arc<Mutex<()>>,
    reader: std::sync::Mutex<Option<Reader>>,
    /// Told when a reader has ended that hung.
    ended: Arc<Notify>,
}

/// The thread that reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader {
    since: Timestamp,
    until: Instant,
}

/// The right to read, held by the reading thread to its end.
pub(super) struct Pass {
    gate: Arc<Gate>,
    reader: Reader,
    _turn: OwnedMutexGuard<()>,
    _plan: Option<Place>,
}

impl Gate {
    /// `ended` is told when a reader has ended that hung.
    pub(super) fn new(ended: Arc<Notify>) -> Arc<Self> {
        let plans = Arc::new(Semaphore::new(PLANS));
        Arc::new(Self { plans, next: Arc::default(), turn: Arc::default(), reader: std::sync::Mutex::default(), ended })
    }

    /// Waits for the turn to read for at most `longest` from then on.
    ///
    /// # Errors
    ///
    /// [`SyncError::Hangs`] while a reader is overdue; for a plan [`SyncError::Overloaded`] where there are too many, or its turn
    /// does not come within `longest`.
    pub(super) async fn enter(self: &Arc<Self>, purpose: &Purpose, longest: Duration) -> Result<Pass, SyncError> {
        let (plan, turn) = match purpose {
            Purpose::Look => (None, self.wait(&self.turn, longest).await?),
            Purpose::Plan(_) => {
                let waited = timeout(longest, self.wait_to_plan(longest)).await;
                let (plan, turn) = waited.unwrap_or(Err(SyncError::Overloaded("the source is at work on what came before")))?;
                (Some(plan), turn)
            }
        };
        let reader = Reader { since: clock::now(), until: Instant::now() + longest };
        *self.reader() = Some(reader);
        Ok(Pass { gate: Arc::clone(self), reader, _turn: turn, _plan: plan })
    }

    async fn wait_to_plan(&self, longest: Duration) -> Result<(Place, OwnedMutexGuard<()>), SyncError> {
        // One that hangs may be a plan, and hold a permit.
        self.overdue().map_or(Ok(()), Err)?;
        let permit = Arc::clone(&self.plans).try_acquire_owned();
        let permit = permit.map_err(|_| SyncError::Overloaded("enough plans of the source are being made"))?;
        let next = self.wait(&self.next, longest).await?;
        let turn = self.wait(&self.turn, longest).await?;
        Ok(((permit, next), turn))
    }

    /// Waits for a lock that a reader holds, but not for one that is overdue.
    async fn wait(&self, lock: &Arc<Mutex<()>>, longest: Duration) -> Result<OwnedMutexGuard<()>, SyncError> {
        let mut locked = pin!(Arc::clone(lock).lock_owned());
        loop {
            // Between two readers there is none; whoever has the turn then will be overdue no earlier than this.
            let until = self.reader().map_or_else(|| Instant::now() + longest, |reader| reader.until);
            if let Ok(guard) = timeout_at(until, &mut locked).await {
                return Ok(guard);
            }
            self.overdue().map_or(Ok(()), Err)?;
        }
    }

    /// Says so where a reader is overdue.
    fn overdue(&self) -> Option<SyncError> {
        let reader = *self.reader();
        reader.filter(Reader::is_overdue).map(|reader| SyncError::Hangs { since: reader.since })
    }

    fn reader(&self) -> MutexGuard<'_, Option<Reader>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// Waits for what it reads, but not for longer than it may take.
    pub(super) async fn in_time<T>(self, read: impl Future<Output = T>) -> Result<T, SyncError> {
        timeout_at(self.until, read).await.map_err(|_| SyncError::Hangs { since: self.since })
    }

    fn is_overdue(&self) -> bool {
        Instant::now() >= self.until
    }
}

impl Pass {
    /// Who holds it.
    pub(super) fn reader(&self) -> Reader {
        self.reader
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        *self.gate.reader() = None;
        if self.reader.is_overdue() {
            // What comes of it is nobody's any more, but the source can be read again.
            self.gate.ended.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Gate, Pass, Purpose, SyncError};
    use futures_util::FutureExt;
    use std::pin::pin;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::sync::Notify;

    const LONGEST: Duration = Duration::from_secs(100);

    fn plan() -> Purpose {
        Purpose::Plan(None)
    }

    fn hangs(entered: Result<Pass, SyncError>) -> bool {
        matches!(entered, Err(SyncError::Hangs { .. }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_goes_before_the_plan_that_waits_and_a_third_plan_is_too_many() {
        let gate = Gate::new(Arc::default());
        let [first, second] = [plan(), plan()];
        let first = gate.enter(&first, LONGEST).await.unwrap();
        let mut second = pin!(gate.enter(&second, LONGEST));
        assert!(second.as_mut().now_or_never().is_none());
        let third = gate.enter(&plan(), LONGEST).now_or_never().expect("it does not wait");
        assert!(matches!(third, Err(SyncError::Overloaded(_))));
        let mut look = pin!(gate.enter(&Purpose::Look, LONGEST));
        assert!(look.as_mut().now_or_never().is_none(), "the plan that is read is waited for");
        drop(first);
        assert!(second.as_mut().now_or_never().is_none());
        let look = look.await.unwrap();
        assert!(second.as_mut().now_or_never().is_none());
        drop(look);
        drop(second.await.unwrap());
        drop(gate.enter(&plan(), LONGEST).now_or_never().expect("there is room again").unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_reader_that_hangs_is_told_as_soon_as_it_does() {
        let ended = Arc::<Notify>::default();
        let gate = Gate::new(Arc::clone(&ended));
        let hung = gate.enter(&plan(), LONGEST).await.unwrap();
        let purpose = plan();
        let [look, second] = [&Purpose::Look, &purpose].map(|purpose| gate.enter(purpose, 10 * LONGEST));
        let began = tokio::time::Instant::now();
        let (look, second) = tokio::join!(look, second);
        assert!(hangs(look) && hangs(second) && began.elapsed() < LONGEST + Duration::from_secs(1));
        for purpose in [plan(), Purpose::Look] {
            assert!(hangs(gate.enter(&purpose, LONGEST).now_or_never().expect("it does not wait")));
        }
        drop(hung);
        ended.notified().now_or_never().expect("it is time to look");
        drop(gate.enter(&Purpose::Look, LONGEST).now_or_never().expect("it is well again").unwrap());
        assert!(ended.notified().now_or_never().is_none(), "what ends in time is no reason to look");
    }

    #[tokio::test(start_paused = true)]
    async fn a_plan_whose_turn_does_not_come_is_sent_away() {
        let gate = Gate::new(Arc::default());
        let look = gate.enter(&Purpose::Look, 10 * LONGEST).await.unwrap();
        assert!(matches!(gate.enter(&plan(), LONGEST).await, Err(SyncError::Overloaded(_))));
        drop(look);
        drop(gate.enter(&plan(), LONGEST).await.unwrap());
    }
}
