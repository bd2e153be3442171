//! Threads that follow shims, each for one attempt at a time. A thread that has nothing to follow waits a while for the next attempt: to make one
//! takes a good part of the time that a short command does.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

/// How long a thread waits for something to do.
const STAYS: Duration = Duration::from_secs(60);

type Work = Box<dyn FnOnce() + Send>;
/// A thread, and the way to it.
type Waiting = (ThreadId, Sender<Work>);

/// The threads that wait, the last one to have begun to do so at the end.
#[derive(Clone, Default)]
pub struct Followers(Arc<Mutex<Vec<Waiting>>>);

impl Followers {
    /// Has the work done by a thread that waits, or by a new one. An error: there is none, and the work is not done.
    pub fn follow(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut waiting = self.waiting();
        match waiting.pop() {
            // Before the list is open to others: a thread that is not in it finds its work.
            Some((_, thread)) => thread.send(Box::new(work)).map_err(|_| io::Error::other("the thread that waited is gone")),
            None => {
                drop(waiting);
                let others = self.clone();
                let thread = std::thread::Builder::new().name("shim".into()).stack_size(256 * 1024);
                thread.spawn(move || others.work(Box::new(work))).map(drop)
            }
        }
    }

    fn work(&self, mut work: Work) {
        let own = std::thread::current().id();
        let (give, take) = channel();
        loop {
            work();
            self.waiting().push((own, give.clone()));
            work = match take.recv_timeout(STAYS) {
                Ok(work) => work,
                Err(_) => {
                    let mut waiting = self.waiting();
                    waiting.retain(|(thread, _)| *thread != own);
                    match take.try_recv() {
                        Ok(work) => work,
                        Err(_) => return,
                    }
                }
            };
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_thread_that_waits_gets_the_next_work_and_one_that_works_does_not() {
        let (followers, (tell, told)) = (Followers::default(), channel());
        let thread = || {
            let tell = tell.clone();
            followers.follow(move || tell.send(std::thread::current().id()).unwrap()).unwrap();
            let by = told.recv().unwrap();
            while followers.waiting().is_empty() {
                std::thread::yield_now();
            }
            by
        };
        let first = thread();
        assert_eq!(thread(), first);
        let (let_go, holds) = channel::<()>();
        followers.follow(move || holds.recv().unwrap_or(())).unwrap();
        assert!(followers.waiting().is_empty());
        assert_ne!(thread(), first);
        drop(let_go);
    }
}
