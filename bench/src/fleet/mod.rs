//! Simulated agents: thousands of tasks that speak the real protocol, in the benchmark's process. Each has its own key, journal
//! incarnation and session, keeps what it has begun over a broken connection, and comes back as `pulse-agent` does.

mod agent;
mod socket;

use agent::{Agent, Shared};
use anyhow::ensure;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How many connect at a time at the beginning.
const STAGGER: usize = 200;

/// What the agents do with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Say at once that it was accepted, started, and has ended well.
    AnswerAtOnce,
    /// Say that it was accepted and started; it ends when [`Fleet::finish`] is called.
    Hold,
}

/// A running fleet; it ends when it is dropped.
pub struct Fleet {
    /// The agents' names.
    pub names: Vec<String>,
    shared: Arc<Shared>,
    finish: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Fleet {
    /// Starts so many with this token; names are `PREFIX-00000` and so on.
    pub fn start(address: SocketAddr, token: &str, prefix: &str, count: usize, slots: u32, behaviour: Behaviour) -> Self {
        let (finish, finished) = watch::channel(false);
        let shared = Arc::new(Shared {
            address,
            token: token.to_owned(),
            slots,
            behaviour,
            finished,
            joined: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            acknowledged: AtomicUsize::new(0),
            first: tokio::sync::Semaphore::new(STAGGER),
            mute: (0..count).map(|_| AtomicBool::new(false)).collect(),
        });
        let names: Vec<String> = (0..count).map(|number| format!("{prefix}-{number:05}")).collect();
        let mut tasks = JoinSet::new();
        for (number, name) in names.iter().enumerate() {
            tasks.spawn(Agent::new(name, number).run(Arc::clone(&shared)));
        }
        Self { names, shared, finish, _tasks: tasks }
    }

    /// How many have their session and the controller's picture now.
    pub fn joined(&self) -> usize {
        self.shared.joined.load(Ordering::SeqCst)
    }

    /// Refusals of any kind so far.
    pub fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// Ends that the controller has acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.shared.acknowledged.load(Ordering::SeqCst)
    }

    /// Waits until so many have joined; how long that took.
    pub async fn all_joined(&self, patience: Duration) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        while self.joined() < self.names.len() {
            ensure!(
                begun.elapsed() < patience,
                "{} of {} agents came, {} refusals",
                self.joined(),
                self.names.len(),
                self.refused()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(begun.elapsed())
    }

    /// From now on this agent says nothing more, with its connection open, as a host that lost its power.
    pub fn mute(&self, number: usize) {
        self.shared.mute[number].store(true, Ordering::SeqCst);
    }

    /// Every command that was held ends well.
    pub fn finish(&self) {
        self.finish.send_replace(true);
    }
}
