//! The machine as the agent's worker sees it, and how a worker is killed: at one of its failpoints, by a panic.

use crate::host::length;
use pulse_agent::budget::Held;
use pulse_agent::host::Host as Machine;
use pulse_protocol::{AttemptId, CommandSpec, failpoint};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

/// What ends a worker at a failpoint.
pub struct Killed;

/// The machine as the worker sees it.
pub struct Simulated {
    pub clock: Rc<Cell<(Instant, u64)>>,
    pub wants: Rc<RefCell<Vec<Want>>>,
    /// Shims that can be asked to stop, and those that were.
    pub listening: Rc<RefCell<BTreeSet<AttemptId>>>,
    pub stopped: Rc<RefCell<BTreeSet<AttemptId>>>,
}

/// What the worker has asked the machine for.
pub enum Want {
    Start(AttemptId, Box<CommandSpec>),
    Adopt(AttemptId),
}

impl Machine for Simulated {
    fn now(&self) -> Instant {
        self.clock.get().0
    }
    fn seconds(&self) -> u64 {
        self.clock.get().1
    }
    fn start(&mut self, attempt: AttemptId, command: CommandSpec, _: Option<Held>) -> io::Result<()> {
        self.wants.borrow_mut().push(Want::Start(attempt, Box::new(command)));
        Ok(())
    }
    fn adopt(&mut self, attempt: AttemptId) -> io::Result<()> {
        self.wants.borrow_mut().push(Want::Adopt(attempt));
        Ok(())
    }
    fn stop(&self, attempt: AttemptId) -> io::Result<bool> {
        let listens = self.listening.borrow().contains(&attempt);
        if listens {
            self.stopped.borrow_mut().insert(attempt);
        }
        Ok(listens)
    }
}

/// Runs a worker's work; `None`: it was killed at one of its failpoints. Hears how much of the journal is synced.
pub fn guarded<T>(synced: &Rc<Cell<u64>>, journal: &Path, crash: Option<usize>, work: impl FnOnce() -> T) -> Option<T> {
    let (synced, journal, left) = (Rc::clone(synced), journal.to_owned(), Cell::new(crash));
    failpoint::hook(Some(Rc::new(move |name: &str| {
        if name == "agent.journal-sync.after" {
            synced.set(length(&journal));
        }
        match left.get() {
            Some(0) => panic_any(Killed),
            Some(more) => left.set(Some(more - 1)),
            None => {}
        }
    })));
    let done = catch_unwind(AssertUnwindSafe(work));
    failpoint::hook(None);
    match done {
        Ok(done) => Some(done),
        Err(end) if end.is::<Killed>() => None,
        Err(other) => resume_unwind(other),
    }
}
