//! So many executions side by side, each started by `POST` once the one before it on the same connection is over.

use super::{Http, Stamps, Target, Watcher};
use crate::figures::Times;
use crate::machine::now;
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// What is started, and how.
#[derive(Clone)]
pub struct Load {
    /// Who is asked.
    pub target: Target,
    /// What is asked for; the one after the other, in a circle.
    pub bodies: Arc<Vec<String>>,
    /// How many at a time.
    pub in_flight: usize,
    /// How many in all.
    pub count: usize,
    /// What is known of the commands' first instructions.
    pub stamps: Option<Arc<Stamps>>,
    /// How the end is waited for.
    pub wait: Wait,
}

/// How a client waits for an end.
#[derive(Clone)]
pub enum Wait {
    /// By the events' WebSocket.
    Events(Arc<Watcher>),
    /// By asking for the execution again, so long after each answer.
    Poll(Duration),
}

/// What was measured.
pub struct Timed {
    /// From before the `POST` is sent to its answer.
    pub accepted: Times,
    /// To the command's first instruction.
    pub started: Option<Times>,
    /// To the client's knowing of the end.
    pub done: Times,
    /// All of them.
    pub whole: Duration,
    /// How many.
    pub count: usize,
}

impl Timed {
    /// Executions per second.
    pub fn rate(&self) -> f64 {
        self.count as f64 / self.whole.as_secs_f64()
    }
}

#[derive(Default)]
struct Found {
    accepted: Vec<Duration>,
    started: Vec<Duration>,
    done: Vec<Duration>,
}

#[derive(Deserialize)]
struct Accepted<'a> {
    id: &'a str,
}

#[derive(Deserialize)]
struct Looked<'a> {
    status: &'a str,
}

impl Load {
    /// Runs it.
    pub async fn run(&self) -> anyhow::Result<Timed> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut callers = JoinSet::new();
        let begun = now();
        for _ in 0..self.in_flight.min(self.count) {
            callers.spawn(self.clone().call(Arc::clone(&next)));
        }
        let mut all = Found::default();
        while let Some(found) = callers.join_next().await {
            let found = found??;
            all.accepted.extend(found.accepted);
            all.started.extend(found.started);
            all.done.extend(found.done);
        }
        let whole = now() - begun;
        let started = self.stamps.is_some().then(|| Times::new(all.started)).transpose()?;
        Ok(Timed { accepted: Times::new(all.accepted)?, started, count: all.done.len(), done: Times::new(all.done)?, whole })
    }

    async fn call(self, next: Arc<AtomicUsize>) -> anyhow::Result<Found> {
        let mut http = Http::connect(&self.target).await?;
        let mut found = Found::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.count {
                return Ok(found);
            }
            let begun = now();
            let answer = http.post("/api/v1/executions", &self.bodies[number % self.bodies.len()]).await?;
            found.accepted.push(now() - begun);
            let id = serde_json::from_slice::<Accepted>(answer)?.id.to_owned();
            found.done.push(self.end(&mut http, &id).await? - begun);
            if let Some(stamps) = &self.stamps {
                found.started.push(stamps.of(&id).await?.saturating_sub(begun));
            }
        }
    }

    async fn end(&self, http: &mut Http, id: &str) -> anyhow::Result<Duration> {
        let pause = match &self.wait {
            Wait::Events(watcher) => return watcher.end(id).await,
            Wait::Poll(pause) => *pause,
        };
        let path = format!("/api/v1/executions/{id}");
        loop {
            let (status, body) = http.get(&path).await?;
            anyhow::ensure!(status == 200, "{path}: {status}");
            match serde_json::from_slice::<Looked>(body)?.status {
                "succeeded" => return Ok(now()),
                "failed" | "cancelled" => anyhow::bail!("{id} did not succeed"),
                _ => tokio::time::sleep(pause).await,
            }
        }
    }
}
