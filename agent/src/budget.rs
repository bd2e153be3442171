//! How much of large commands may be in hand at once: between the frame that brought them and the shims that took them over. The
//! connection stops reading meanwhile, so that commands with files wait at the controller and not in the agent's memory.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of frames in hand. One of the longest fits, and never two large ones: each is several times in memory while it is turned
/// from a frame into what its shim reads.
const IN_HAND: u32 = 8 * 1024 * 1024;
/// Shorter frames do not count: they are held in no other way than reports are.
const SMALL: usize = 256 * 1024;

/// Held as long as what a frame brought is in memory; several commands of one frame share it.
pub type Held = Arc<OwnedSemaphorePermit>;

/// The bound.
#[derive(Clone)]
pub struct Budget(Arc<Semaphore>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(IN_HAND as usize)))
    }
}

impl Budget {
    /// Waits until a frame of so many bytes may be taken in hand. `None`: it is small.
    pub async fn take(&self, bytes: usize) -> Option<Held> {
        if bytes < SMALL {
            return None;
        }
        let bytes = u32::try_from(bytes).unwrap_or(IN_HAND).min(IN_HAND);
        // The semaphore is never closed.
        Arc::clone(&self.0).acquire_many_owned(bytes).await.ok().map(Arc::new)
    }
}
