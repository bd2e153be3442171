//! Why the engine refuses. A caller can branch on each; the API gives each its code and status.

use pulse_core::definitions::ParamError;
use pulse_core::execution::FoldError;
use pulse_core::pause::MAX_PAUSES;
use pulse_core::selector::TargetError;
use pulse_protocol::ExecutionId;

/// Why something of an execution could not be done.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no such execution.
    #[error("there is no execution {0}")]
    NoSuchExecution(ExecutionId),
    /// The controller is stopping, or lost its lease; ask again.
    #[error("the controller is stopping; ask again in a moment")]
    Stopping,
    /// The commit is still to come.
    #[error("the database has not answered in time; the request waits for execution {0} and is carried out when it does")]
    NotYet(ExecutionId),
    /// Others were faster at every try.
    #[error("other starts were faster at every try; ask again in a moment")]
    Contended,
    /// Too much waits for this execution.
    #[error("too many requests wait for execution {0}; ask again in a moment")]
    Overloaded(ExecutionId),
    /// As many pauses hold as may.
    #[error("{MAX_PAUSES} pauses hold already, and no more can be set")]
    TooManyPauses,
    /// The database did not answer, or answered nonsense.
    #[error("the database: {0}")]
    Database(#[from] pulse_store::Error),
    /// The commit failed for a reason that a second try did not heal.
    #[error("the commit failed: {0}")]
    Commit(#[from] pulse_store::WriteError),
    /// The stored history contradicts itself.
    #[error("the history of execution {id} cannot be read: {fault}")]
    History {
        /// Which execution.
        id: ExecutionId,
        /// What is wrong.
        fault: String,
    },
}

impl EngineError {
    pub(super) fn history(id: ExecutionId, fault: &FoldError) -> Self {
        Self::History { id, fault: fault.to_string() }
    }
}

/// Why an execution could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No workflow of this name is live.
    #[error("no workflow{} is named `{name}`", .of.as_ref().map_or_else(String::new, |source| format!(" of source `{source}`")))]
    NoSuchWorkflow {
        /// The name.
        name: String,
        /// The source that was named.
        of: Option<String>,
    },
    /// Several sources have one of this name.
    #[error("more than one source has a workflow named `{name}`: {}", .sources.join(", "))]
    Ambiguous {
        /// The name.
        name: String,
        /// The sources that have one.
        sources: Vec<String>,
    },
    /// Parameters are wrong; every error at once.
    #[error("the parameters are wrong")]
    Params(Vec<ParamError>),
    /// A step's targets cannot be resolved.
    #[error("step `{step}`: {error}")]
    Targets {
        /// The step.
        step: String,
        /// Why.
        error: TargetError,
    },
    /// `concurrency: Forbid`, and one is not over: it runs, waits for a person, or is held by a pause before its first step.
    #[error(
        "`{name}` is not over: it runs, or waits for a person, a time or the end of a pause; `concurrency.policy: Forbid` allows one at a time"
    )]
    Forbidden {
        /// The one that is not over.
        running: ExecutionId,
        /// Its name, `workflow#number`.
        name: String,
    },
    /// `concurrency: Queue`, and as many wait as may.
    #[error("{most} executions of `{workflow}` are queued already; `concurrency.maxQueued` allows no more")]
    QueueFull {
        /// The workflow.
        workflow: String,
        /// How many may wait.
        most: u32,
    },
    /// The concurrency key cannot be written.
    #[error("`concurrency.key` cannot be written: {0}")]
    Key(String),
    /// The same idempotency key came with another request.
    #[error("this idempotency key was used for another request")]
    IdempotencyMismatch,
    /// The live definition cannot be compiled any more (an older release accepted it).
    #[error("workflow `{workflow}` cannot run on this release: {fault}")]
    Uncompilable {
        /// The workflow.
        workflow: String,
        /// The first finding.
        fault: String,
    },
    /// Anything of the engine itself.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<pulse_store::Error> for StartError {
    fn from(error: pulse_store::Error) -> Self {
        Self::Engine(error.into())
    }
}
