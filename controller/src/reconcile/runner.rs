//! Workers over a queue. A reconciler gets a key and says when to look again; it never retries inside. A panic in one key is
//! logged, that key is tried again later, and no other key notices.

use super::Queue;
use std::collections::HashMap;
use std::fmt::Display;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{Instrument, Span};

/// First wait after an error; doubled per error in a row up to [`LONGEST_BACKOFF`].
const SHORTEST_BACKOFF: Duration = Duration::from_millis(200);
/// Keys whose failures are remembered; with more of them failing, how often each did no longer matters.
const REMEMBERED: usize = 10_000;
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// When to look at a key again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// When somebody asks.
    Asked,
    /// At that time, or when somebody asks.
    At(Instant),
}

/// What the lines of the log about a key have in common.
pub type SpanOf<K> = fn(&K) -> Span;

/// Works on the queue until it is closed, with `workers` keys side by side.
pub async fn run<K, E, F, R>(queue: Queue<K>, workers: usize, span_of: SpanOf<K>, reconcile: F)
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    E: Display + Send + 'static,
    F: Fn(K) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Next, E>> + Send + 'static,
{
    let mut set = JoinSet::new();
    let failures = Arc::new(Mutex::new(HashMap::new()));
    for _ in 0..workers.max(1) {
        set.spawn(work(queue.clone(), span_of, reconcile.clone(), Arc::clone(&failures)));
    }
    while set.join_next().await.is_some() {}
}

/// Failures in a row of each key, whichever worker met them.
type Failures<K> = Arc<Mutex<HashMap<K, u32>>>;

async fn work<K, E, F, R>(queue: Queue<K>, span_of: SpanOf<K>, reconcile: F, failures: Failures<K>)
where
    K: Clone + Eq + Hash + Send + 'static,
    E: Display + Send + 'static,
    F: Fn(K) -> R + Send,
    R: Future<Output = Result<Next, E>> + Send + 'static,
{
    let counts = || failures.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some(key) = queue.next().await {
        // A task of its own, so that a panic ends the task and not the worker.
        let span = span_of(&key);
        let outcome = tokio::spawn(reconcile(key.clone()).instrument(span.clone())).await;
        let problem = match outcome {
            Ok(Ok(next)) => {
                counts().remove(&key);
                if let Next::At(at) = next {
                    queue.add_at(key.clone(), at);
                }
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(format!("internal error: {panic}")),
        };
        if let Some(problem) = problem {
            let count = {
                let mut counts = counts();
                if counts.len() > REMEMBERED {
                    counts.clear();
                }
                *counts.entry(key.clone()).and_modify(|count| *count += 1).or_insert(1)
            };
            let wait = SHORTEST_BACKOFF.saturating_mul(1 << (count - 1).min(10)).min(LONGEST_BACKOFF);
            span.in_scope(|| tracing::warn!(problem, again_in = ?wait, "reconciling failed"));
            queue.add_at(key.clone(), Instant::now() + wait);
        }
        queue.done(&key);
    }
}
