//! Work that blocks, beside the async threads. Its threads belong to nobody: one that hangs holds up neither the others nor the end
//! of this process, as the runtime's own would.

use super::SyncError;
use tokio::sync::oneshot;

/// Does it on a thread of its own.
pub(super) async fn aside<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<T, SyncError> {
    begin(name, work)?.await.map_err(|_| SyncError::Interrupted("it panicked".to_owned()))
}

/// Begins it on a thread of its own; no answer comes where it panics.
pub(super) fn begin<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<oneshot::Receiver<T>, SyncError> {
    let (answer, answered) = oneshot::channel();
    let spawned = std::thread::Builder::new().name(format!("sync {name}")).spawn(move || {
        // Whoever asked may have gone away.
        drop(answer.send(work()));
    });
    spawned.map_err(|error| SyncError::Interrupted(format!("no thread: {error}")))?;
    Ok(answered)
}
