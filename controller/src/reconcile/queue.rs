//! A queue of keys: adding a key twice is adding it once, a key can be added for later, and a key that is being worked on is
//! kept back until that work is done, so no two workers ever hold the same key.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// A shared queue; clones are handles of the same one.
#[derive(Debug)]
pub struct Queue<K> {
    inner: Arc<Inner<K>>,
}

#[derive(Debug)]
struct Inner<K> {
    state: Mutex<State<K>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<K> {
    ready: VecDeque<K>,
    /// Keys in `ready`, and keys to run again once their present work is done.
    wanted: HashSet<K>,
    working: HashSet<K>,
    delayed: BTreeSet<(Instant, u64)>,
    /// The earliest time each delayed key is due, with its place in `delayed`.
    due: HashMap<K, (Instant, u64)>,
    keys: HashMap<u64, K>,
    next: u64,
    closed: bool,
}

impl<K> Clone for Queue<K> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<K: Clone + Eq + Hash> Default for Queue<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Clone + Eq + Hash> Queue<K> {
    /// An empty queue.
    pub fn new() -> Self {
        let state = State {
            ready: VecDeque::new(),
            wanted: HashSet::new(),
            working: HashSet::new(),
            delayed: BTreeSet::new(),
            due: HashMap::new(),
            keys: HashMap::new(),
            next: 0,
            closed: false,
        };
        Self { inner: Arc::new(Inner { state: Mutex::new(state), changed: Notify::new() }) }
    }

    /// Look at this key soon.
    pub fn add(&self, key: K) {
        self.lock().want(key);
        self.inner.changed.notify_one();
    }

    /// Look at this key at that time, or earlier if somebody asks earlier.
    pub fn add_at(&self, key: K, at: Instant) {
        let mut state = self.lock();
        if state.due.get(&key).is_some_and(|(earlier, _)| *earlier <= at) {
            return;
        }
        state.forget_delay(&key);
        let place = (at, state.next);
        state.next += 1;
        state.delayed.insert(place);
        state.keys.insert(place.1, key.clone());
        state.due.insert(key, place);
        drop(state);
        self.inner.changed.notify_one();
    }

    /// The next key; `None` once the queue is closed. The caller must say [`Queue::done`] for it.
    pub async fn next(&self) -> Option<K> {
        loop {
            let wake = {
                let mut state = self.lock();
                if state.closed {
                    return None;
                }
                state.ripen(Instant::now());
                if let Some(key) = state.take() {
                    if !state.ready.is_empty() {
                        self.inner.changed.notify_one();
                    }
                    return Some(key);
                }
                state.delayed.first().map(|(at, _)| *at)
            };
            let changed = self.inner.changed.notified();
            match wake {
                None => changed.await,
                Some(at) => {
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep_until(at) => {}
                    }
                }
            }
        }
    }

    /// The work on this key is over; if it was asked for meanwhile it comes again.
    pub fn done(&self, key: &K) {
        let mut state = self.lock();
        state.working.remove(key);
        if state.wanted.contains(key) {
            state.ready.push_back(key.clone());
            drop(state);
            self.inner.changed.notify_one();
        }
    }

    /// No further key comes out.
    pub fn close(&self) {
        self.lock().closed = true;
        self.inner.changed.notify_waiters();
        self.inner.changed.notify_one();
    }

    /// Keys that are ready or in work.
    pub fn depth(&self) -> usize {
        let state = self.lock();
        state.ready.len() + state.working.len()
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        // Nothing in here panics half-way through a change, so a poisoned lock still guards a whole state.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> State<K> {
    fn want(&mut self, key: K) {
        if self.wanted.insert(key.clone()) && !self.working.contains(&key) {
            self.ready.push_back(key);
        }
    }

    fn take(&mut self) -> Option<K> {
        let key = self.ready.pop_front()?;
        self.wanted.remove(&key);
        self.working.insert(key.clone());
        Some(key)
    }

    fn ripen(&mut self, now: Instant) {
        while let Some((at, place)) = self.delayed.first().copied().filter(|(at, _)| *at <= now) {
            self.delayed.remove(&(at, place));
            if let Some(key) = self.keys.remove(&place) {
                self.due.remove(&key);
                self.want(key);
            }
        }
    }

    fn forget_delay(&mut self, key: &K) {
        if let Some(place) = self.due.remove(key) {
            self.delayed.remove(&place);
            self.keys.remove(&place.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;
    use std::time::Duration;
    use tokio::time::Instant;

    #[tokio::test]
    async fn equal_keys_are_one_and_never_out_twice() {
        let queue = Queue::new();
        queue.add("a");
        queue.add("a");
        queue.add("b");
        assert_eq!(queue.next().await, Some("a"));
        queue.add("a");
        assert_eq!(queue.next().await, Some("b"));
        assert!(tokio::time::timeout(Duration::from_millis(20), queue.next()).await.is_err(), "`a` is still in work");
        queue.done(&"a");
        assert_eq!(queue.next().await, Some("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_earliest_wish_for_later_counts() {
        let queue = Queue::new();
        let start = Instant::now();
        queue.add_at("a", start + Duration::from_secs(60));
        queue.add_at("a", start + Duration::from_secs(5));
        queue.add_at("a", start + Duration::from_secs(90));
        assert_eq!(queue.next().await, Some("a"));
        assert_eq!(start.elapsed().as_secs(), 5);
        queue.done(&"a");
        assert!(tokio::time::timeout(Duration::from_secs(600), queue.next()).await.is_err(), "it came once");
    }

    #[tokio::test]
    async fn closing_ends_every_worker() {
        let queue: Queue<u8> = Queue::new();
        let waiter = tokio::spawn({
            let queue = queue.clone();
            async move { queue.next().await }
        });
        tokio::task::yield_now().await;
        queue.close();
        assert_eq!(waiter.await.ok().flatten(), None);
        assert_eq!(queue.next().await, None);
    }
}
