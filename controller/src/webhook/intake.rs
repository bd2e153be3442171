//! Bodies on their way in. Bytes are counted as they arrive, not connections: whoever opens a connection and sends nothing takes
//! nothing from the others. When the bytes of all bodies together are used up, the body that has been arriving for longest gives
//! way, so that bodies which stall cannot keep out one that comes in one piece.

use super::{PATIENCE, Refusal};
use axum::body::{Body, Bytes};
use futures_util::StreamExt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Bytes of all bodies that are arriving.
const ALL: usize = 16 * 1024 * 1024;
/// Bytes of one body.
const ONE: usize = crate::api::MAX_BODY;

/// The bytes of all bodies that are arriving.
#[derive(Debug, Default)]
pub struct Intake(Mutex<Arriving>);

#[derive(Debug, Default)]
struct Arriving {
    /// Bytes of all of them.
    held: usize,
    /// By number, so that the first is the one that began first.
    bodies: BTreeMap<u64, Part>,
    next: u64,
}

#[derive(Debug)]
struct Part {
    bytes: usize,
    /// Told when the body has to give way.
    out: Arc<Notify>,
}

/// The place of one body, from its first byte until it is dropped.
#[derive(Debug)]
struct Place<'a> {
    intake: &'a Intake,
    number: u64,
    out: Arc<Notify>,
}

impl Intake {
    /// Takes a body in, of 1 MiB at most and within 5 s.
    pub async fn take(&self, body: Body) -> Result<Vec<u8>, Refusal> {
        tokio::time::timeout(PATIENCE, self.whole(body)).await.map_err(|_| Refusal::TooSlow)?
    }

    /// Bytes that are held now.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.state().held
    }

    async fn whole(&self, body: Body) -> Result<Vec<u8>, Refusal> {
        let (mut chunks, mut whole) = (body.into_data_stream(), Vec::new());
        let Some(first) = chunks.next().await else { return Ok(whole) };
        let place = self.place();
        let mut arrived = Some(first);
        while let Some(chunk) = arrived {
            let chunk: Bytes = chunk.map_err(|_| Refusal::CutOff)?;
            if chunk.len() > ONE - whole.len() {
                return Err(Refusal::TooLarge);
            }
            place.claim(chunk.len())?;
            whole.extend_from_slice(&chunk);
            arrived = tokio::select! {
                biased;
                () = place.out.notified() => return Err(Refusal::Overloaded),
                next = chunks.next() => next,
            };
        }
        Ok(whole)
    }

    /// A place behind all others, with nothing in it.
    fn place(&self) -> Place<'_> {
        let mut state = self.state();
        let (number, out) = (state.next, Arc::new(Notify::new()));
        state.next += 1;
        state.bodies.insert(number, Part { bytes: 0, out: Arc::clone(&out) });
        Place { intake: self, number, out }
    }

    fn state(&self) -> MutexGuard<'_, Arriving> {
        // Every change is whole before the lock is given back.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arriving {
    /// A body is gone, or has given way before.
    fn remove(&mut self, number: u64) {
        if let Some(part) = self.bodies.remove(&number) {
            self.held -= part.bytes;
        }
    }
}

impl Place<'_> {
    /// More of the body has arrived. Whoever began first gives way until there is room, this one too if that is the one.
    fn claim(&self, bytes: usize) -> Result<(), Refusal> {
        let mut state = self.intake.state();
        while state.held + bytes > ALL
            && let Some((number, part)) = state.bodies.first_key_value()
        {
            part.out.notify_one();
            let number = *number;
            state.remove(number);
        }
        let part = state.bodies.get_mut(&self.number).ok_or(Refusal::Overloaded)?;
        part.bytes += bytes;
        state.held += bytes;
        Ok(())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.intake.state().remove(self.number);
    }
}
