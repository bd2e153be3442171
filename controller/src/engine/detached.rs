//! Work that goes on to its end although whoever asked for it is gone: a web server drops a request's future when its connection
//! closes, and what stands between a claim in memory and the answer of its commit must not be dropped half-way.

use super::EngineError;
use std::future::Future;
use tracing::Instrument;

/// Runs it in a task of its own and waits for it. Dropping the wait does not end the work.
pub(super) async fn to_the_end<T, E>(work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<EngineError> + Send + 'static,
{
    match tokio::spawn(work.in_current_span()).await {
        Ok(done) => done,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and with it everything.
            Err(_) => Err(EngineError::Stopping.into()),
        },
    }
}
