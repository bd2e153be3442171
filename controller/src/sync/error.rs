//! Why a sync cannot even be made. It is shared by everybody who waited for the same look.

use crate::engine::EngineError;
use crate::source::tree::SourceError;
use pulse_core::Timestamp;
use std::sync::Arc;

/// Why a sync cannot even be made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SyncError {
    /// There is nothing to sync.
    #[error("this controller has no source")]
    NoSource,
    /// There is no source of this name.
    #[error("there is no source `{0}`")]
    NoSuchSource(String),
    /// There are several, and none was named.
    #[error("this controller has several sources ({0}); name one")]
    SeveralSources(String),
    /// The source cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A look at the source, or a plan of it, does not come back.
    #[error(
        "a look at the source hangs since {since}; no other begins before it ends: check the disk, network file system or server \
         that it reads from"
    )]
    Hangs {
        /// When it began.
        since: Timestamp,
    },
    /// Too much is asked at once.
    #[error("{0}; ask again in a moment")]
    Overloaded(&'static str),
    /// The database.
    #[error(transparent)]
    Store(Arc<pulse_store::Error>),
    /// The engine cannot read what is live.
    #[error(transparent)]
    Engine(Arc<EngineError>),
    /// The controller ends.
    #[error("the controller is stopping")]
    Stopping,
    /// A task ended early.
    #[error("the sync was interrupted: {0}")]
    Interrupted(String),
}

impl From<pulse_store::Error> for SyncError {
    fn from(error: pulse_store::Error) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<EngineError> for SyncError {
    fn from(error: EngineError) -> Self {
        Self::Engine(Arc::new(error))
    }
}
