//! One simulated agent.

use super::Behaviour;
use super::socket::{Identity, Socket, hear, say};
use pulse_protocol::message::Vitals;
use pulse_protocol::observation::EndKind;
use pulse_protocol::{Assignment, AttemptId, Desired, Ended, Epoch, Observation, Observed, ToAgent, ToController};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_tungstenite::tungstenite::Message;

/// Bounds of the pause between two tries, as in `pulse-agent`.
const PAUSE: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(5)];

/// What all agents of a fleet share.
pub struct Shared {
    pub address: SocketAddr,
    pub token: String,
    pub slots: u32,
    pub behaviour: Behaviour,
    pub finished: watch::Receiver<bool>,
    pub joined: AtomicUsize,
    pub refused: AtomicUsize,
    pub acknowledged: AtomicUsize,
    /// So many come for the first time at once.
    pub first: Semaphore,
    pub mute: Vec<AtomicBool>,
}

/// What outlives a session.
pub struct Agent {
    number: usize,
    identity: Identity,
    welcomed: bool,
    sequence: u64,
    /// What it has begun and the controller has not acknowledged the end of.
    open: BTreeMap<AttemptId, Observed>,
}

impl Agent {
    /// A new one.
    pub fn new(name: &str, number: usize) -> Self {
        Self { number, identity: Identity::new(name, number), welcomed: false, sequence: 0, open: BTreeMap::new() }
    }

    /// Connects again and again.
    pub async fn run(mut self, shared: Arc<Shared>) {
        let mut failures = 0;
        loop {
            let begun = Instant::now();
            let mut joined = Joined { shared: &shared, counts: false };
            // Whatever ended it, it comes again.
            if self.session(&shared, &mut joined).await.is_err() && !self.welcomed {
                shared.refused.fetch_add(1, Ordering::SeqCst);
            }
            drop(joined);
            if self.is_mute(&shared) {
                // Its host is gone, and does not come again.
                return;
            }
            failures = if begun.elapsed() > Duration::from_secs(5) { 0 } else { failures + 1 };
            tokio::time::sleep(backoff(failures)).await;
        }
    }

    async fn session(&mut self, shared: &Shared, joined: &mut Joined<'_>) -> anyhow::Result<()> {
        let turn = if self.welcomed { None } else { Some(shared.first.acquire().await?) };
        let (mut socket, epoch, heartbeat) = self.identity.come_in(shared, !self.welcomed, self.sequence, self.picture()).await?;
        self.welcomed = true;
        drop(turn);
        let mut finished = shared.finished.clone();
        let mut beat = interval_at(Instant::now(), heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pings = false;
        loop {
            tokio::select! {
                message = hear(&mut socket) => match message? {
                    ToAgent::Assign { assignments, full, .. } => {
                        if full {
                            joined.count();
                        }
                        self.take(shared, &mut socket, epoch, assignments).await?;
                    }
                    ToAgent::Acknowledge { ended, .. } => {
                        shared.acknowledged.fetch_add(ended.len(), Ordering::SeqCst);
                        ended.iter().for_each(|attempt| drop(self.open.remove(attempt)));
                    }
                    ToAgent::Ping { number } if !self.is_mute(shared) => say(&mut socket, &ToController::Pong { number }).await?,
                    _ => {}
                },
                _ = beat.tick() => if !self.is_mute(shared) {
                    pings = !pings;
                    self.beat(&mut socket, epoch, pings).await?;
                },
                Ok(()) = finished.changed() => self.finish(&mut socket, epoch).await?,
            }
        }
    }

    fn is_mute(&self, shared: &Shared) -> bool {
        shared.mute[self.number].load(Ordering::Relaxed)
    }

    /// A heartbeat, and in one packet with every second one the WebSocket's ping, as `pulse-agent` sends them.
    async fn beat(&self, socket: &mut Socket, epoch: Epoch, pings: bool) -> anyhow::Result<()> {
        use futures_util::SinkExt;
        let vitals = Vitals {
            load1: 0.42,
            cpu_percent: 12.5,
            memory_used_bytes: 3 << 30,
            memory_total_bytes: 8 << 30,
            uptime_seconds: 1_234_567,
            running: u32::try_from(self.open.len())?,
            clock_us: None,
            disk_free_bytes: None,
        };
        if pings {
            socket.feed(Message::Ping(Vec::new().into())).await?;
        }
        say(socket, &ToController::Heartbeat { epoch, vitals }).await
    }

    async fn take(&mut self, shared: &Shared, socket: &mut Socket, epoch: Epoch, wanted: Vec<Assignment>) -> anyhow::Result<()> {
        for Assignment { attempt, desired, command, .. } in wanted {
            if desired != Desired::Run || command.is_none() || self.open.contains_key(&attempt) {
                continue;
            }
            // As `pulse-agent` does: that a command was taken is not said where it runs a moment later, and what is over in a moment is said with
            // its start.
            let started = Observed::Started { pid: 4711 };
            let said = match shared.behaviour {
                Behaviour::AnswerAtOnce => vec![started, Observed::Ended(well())],
                _ => vec![started],
            };
            self.report(socket, epoch, attempt, said).await?;
        }
        Ok(())
    }

    async fn finish(&mut self, socket: &mut Socket, epoch: Epoch) -> anyhow::Result<()> {
        for attempt in self.open.keys().copied().collect::<Vec<_>>() {
            self.report(socket, epoch, attempt, vec![Observed::Ended(well())]).await?;
        }
        Ok(())
    }

    async fn report(&mut self, socket: &mut Socket, epoch: Epoch, attempt: AttemptId, said: Vec<Observed>) -> anyhow::Result<()> {
        // A record each in the journal: that it starts, that it ended.
        self.sequence += said.len() as u64;
        self.open.extend(said.last().map(|newest| (attempt, newest.clone())));
        let observations = said.into_iter().map(|observed| Observation { attempt, observed }).collect();
        say(socket, &ToController::Report { epoch, observations, full: false, sequence: self.sequence }).await
    }

    fn picture(&self) -> Vec<Observation> {
        self.open.iter().map(|(attempt, observed)| Observation { attempt: *attempt, observed: observed.clone() }).collect()
    }
}

/// Counts an agent while it is in.
struct Joined<'a> {
    shared: &'a Shared,
    counts: bool,
}

impl Joined<'_> {
    fn count(&mut self) {
        if !std::mem::replace(&mut self.counts, true) {
            self.shared.joined.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        if self.counts {
            self.shared.joined.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// The end of a command that wrote nothing.
fn well() -> Ended {
    const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let mut ended = Ended { duration_ms: 1, ..Ended::bare(EndKind::Exited { code: 0 }) };
    ended.stdout.sha256 = NOTHING.to_owned();
    ended.stderr.sha256 = NOTHING.to_owned();
    ended
}

fn backoff(failures: u32) -> Duration {
    let bound = PAUSE[0].saturating_mul(1 << failures.min(10)).min(PAUSE[1]);
    let mut bytes = [0; 4];
    let share = getrandom::fill(&mut bytes).map_or(1.0, |()| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX));
    PAUSE[0].max(bound.mul_f64(share))
}
