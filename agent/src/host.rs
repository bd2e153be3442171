//! What the worker needs of the machine beside its folder: time and shims. The machine has clocks, processes and threads; a
//! simulation has none of them, and the worker's decisions do not know the difference.

use crate::budget::Held;
use crate::folder::DataDir;
use crate::followers::Followers;
use crate::runner;
use crate::shim::server::{Ends, Shims};
use crate::users::Users;
use crate::worker::Event;
use pulse_protocol::{AttemptId, CommandSpec};
use std::io;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// The machine, as the worker sees it. News of shims come as [`Event::Shim`].
pub trait Host {
    /// The monotonic clock.
    fn now(&self) -> Instant;

    /// The wall clock, seconds since 1970.
    fn seconds(&self) -> u64;

    /// So many attempts are about to start: what does nothing of them may be done at once, while it becomes durable that they start.
    fn expect(&mut self, _starts: usize) {}

    /// What was expected and did not start does not start.
    fn expect_nothing(&mut self) {}

    /// A second has passed: what is kept for long and not used may go.
    fn tick(&mut self) {}

    /// Gives the attempt to a shim and tells its news until that is gone, or done with it. An error: there is none, and nobody who would tell.
    fn start(&mut self, attempt: AttemptId, command: CommandSpec, held: Option<Held>) -> io::Result<()>;

    /// Tells the news of a shim that another run of the agent started.
    fn adopt(&mut self, attempt: AttemptId) -> io::Result<()>;

    /// Asks the attempt's shim to end the command. `false`: there is no shim, or not yet.
    fn stop(&self, attempt: AttemptId) -> io::Result<bool>;
}

/// The machine that this program runs on.
pub struct Machine {
    /// Where attempts have their folders.
    data: DataDir,
    /// Who makes their shims.
    shims: Arc<Shims>,
    /// Who follows them.
    followers: Followers,
    /// Shims for commands that are about to start.
    expected: Vec<Ends>,
    /// As whom commands may run.
    users: Arc<Users>,
    /// The worker's own events.
    events: mpsc::Sender<Event>,
}

impl Host for Machine {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn seconds(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn expect(&mut self, starts: usize) {
        self.expected.extend(std::iter::from_fn(|| self.shims.early()).take(starts));
    }

    fn expect_nothing(&mut self) {
        self.expected.drain(..).for_each(|ends| self.shims.keep(ends));
    }

    fn tick(&mut self) {
        self.shims.let_go(self.now());
    }

    fn start(&mut self, attempt: AttemptId, command: CommandSpec, held: Option<Held>) -> io::Result<()> {
        let kept = self.expected.pop();
        runner::start(&self.followers, &self.shims, &self.users, attempt, (command, held, kept), self.teller(attempt))
    }

    fn adopt(&mut self, attempt: AttemptId) -> io::Result<()> {
        runner::adopt(&self.followers, &self.data, attempt, self.teller(attempt))
    }

    fn stop(&self, attempt: AttemptId) -> io::Result<bool> {
        runner::stop(&self.data, attempt)
    }
}

impl Machine {
    /// Attempts have their folders in `data`; `events` are the worker's own.
    pub fn new(data: DataDir, shims: Shims, users: Users, events: mpsc::Sender<Event>) -> Self {
        Self {
            shims: Arc::new(shims),
            followers: Followers::default(),
            data,
            expected: Vec::new(),
            users: Arc::new(users),
            events,
        }
    }

    fn teller(&self, attempt: AttemptId) -> impl Fn(runner::News) + Send + 'static {
        let events = self.events.clone();
        // The worker is gone only when the whole agent ends.
        move |news| drop(events.blocking_send(Event::Shim(attempt, news)))
    }
}
