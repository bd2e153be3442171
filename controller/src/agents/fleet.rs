//! The fleet as the controller's parts share it: one lock, and pings that wait for their answers.

use super::gate::Gate;
use super::outbox::Outbox;
use pulse_core::Timestamp;
use pulse_core::fleet::{AgentStatus, Fleet};
use pulse_protocol::{AgentName, Epoch, ToAgent};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The fleet; a session is reached by its outbox.
pub type FleetState = Fleet<Outbox>;

/// A handle of the fleet; clones share it.
#[derive(Debug, Clone, Default)]
pub struct FleetHandle {
    state: Arc<Mutex<FleetState>>,
    pongs: Arc<Mutex<Pongs>>,
    gate: Gate,
}

/// Pings that wait for their answer.
#[derive(Debug, Default)]
struct Pongs {
    next: u64,
    waiting: HashMap<u64, oneshot::Sender<()>>,
}

impl FleetHandle {
    /// The guarded state: hold it for one decision, never over an `await`.
    pub fn lock(&self) -> MutexGuard<'_, FleetState> {
        // Nothing in here panics half-way through a change, so a poisoned lock still guards a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The way in.
    pub(super) const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// A number for a ping, and its answer.
    pub fn expect_pong(&self) -> (u64, oneshot::Receiver<()>) {
        let mut pongs = self.pongs.lock().unwrap_or_else(PoisonError::into_inner);
        pongs.next += 1;
        let (answer, answered) = oneshot::channel();
        let number = pongs.next;
        pongs.waiting.insert(number, answer);
        (number, answered)
    }

    /// A ping was answered.
    pub fn pong(&self, number: u64) {
        if let Some(answer) = self.pongs.lock().unwrap_or_else(PoisonError::into_inner).waiting.remove(&number) {
            // Whoever asked may have given up.
            let _ = answer.send(());
        }
    }

    /// Nobody waits for this answer any more.
    pub fn forget_pong(&self, number: u64) {
        self.pongs.lock().unwrap_or_else(PoisonError::into_inner).waiting.remove(&number);
    }

    /// Every agent, by name.
    pub fn list(&self, now: Timestamp) -> Vec<AgentStatus> {
        let state = self.lock();
        state.names().filter_map(|name| state.status(name, now)).collect()
    }

    /// One agent.
    pub fn get(&self, name: &AgentName, now: Timestamp) -> Option<AgentStatus> {
        self.lock().status(name, now)
    }

    /// Sends a hint to an agent's session. A full or missing outbox loses it; the next full picture heals that.
    pub fn send(&self, name: &AgentName, message: impl FnOnce(Epoch) -> ToAgent) {
        let session = self.lock().session_of(name);
        if let Some((epoch, outbox)) = session
            && !outbox.try_send(message(epoch))
        {
            tracing::debug!(agent = %name, "a hint was lost: the agent's outbox is full or closed");
        }
    }
}
