//! The way in for agents: only so many ask the database at once, and when a whole fleet comes, or the database is slow, the others are told
//! when to come again.

use super::handshake::Refusal;
use crate::clock;
use pulse_core::session::{ABREAST, Crowd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The gate; clones share it.
#[derive(Debug, Clone)]
pub struct Gate {
    crowd: Arc<Mutex<Crowd>>,
    turns: Arc<Semaphore>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { crowd: Arc::default(), turns: Arc::new(Semaphore::new(ABREAST)) }
    }
}

/// Whoever is inside has one, and is out when it goes.
pub(super) struct Pass {
    gate: Gate,
    /// Since when it is its turn.
    turn: Option<(OwnedSemaphorePermit, Instant)>,
}

impl Gate {
    /// Waits for a turn at the database, if that is soon; else says when to come again.
    pub(super) async fn enter(&self) -> Result<Pass, Refusal> {
        // Without random numbers everybody waits the longest.
        let share = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        let entered = self.crowd().enter(clock::now(), share);
        entered.map_err(|retry_after_ms| Refusal {
            retry_after_ms: Some(retry_after_ms),
            ..Refusal::new("busy", "many agents come at once, or the database is slow: come again in a moment")
        })?;
        let mut pass = Pass { gate: self.clone(), turn: None };
        pass.turn = Some((self.turn().await?, Instant::now()));
        Ok(pass)
    }

    /// A further turn of who is nearly in.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        turn.map_err(|error| Refusal::new("internal", error.to_string()))
    }

    fn crowd(&self) -> MutexGuard<'_, Crowd> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let took = self.turn.as_ref().map(|(_, begun)| i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX));
        self.gate.crowd().leave(took);
    }
}
