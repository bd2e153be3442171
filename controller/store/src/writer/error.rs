//! Why an item was not written. Callers branch on these.

use pulse_protocol::ExecutionId;

/// Why an item was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Another execution holds a claim: decide again.
    #[error("{key} is held by execution {holder}")]
    ClaimTaken {
        /// The claim's key.
        key: String,
        /// Who holds it.
        holder: ExecutionId,
    },
    /// The execution has gone on since the caller read it: read it again.
    #[error("execution {execution} has gone on since it was read")]
    Stale {
        /// The execution.
        execution: ExecutionId,
    },
    /// Another execution of the workflow got this number: take the next.
    #[error("number {number} of {workflow} is taken")]
    NumberTaken {
        /// The workflow.
        workflow: String,
        /// The number.
        number: i64,
    },
    /// The same request was written before.
    #[error("this idempotency key started execution {execution}")]
    IdempotencyTaken {
        /// The execution that came of it.
        execution: ExecutionId,
        /// Digest of the body it came with.
        body_digest: String,
    },
    /// The schedule has gone on since it was read: read it again.
    #[error("schedule {schedule} of source {source_name} has gone on since it was read")]
    ScheduleMoved {
        /// Its source.
        source_name: String,
        /// Its name.
        schedule: String,
    },
    /// One of the schedule's slots is settled already.
    #[error("a slot of schedule {schedule} of source {source_name} is settled already")]
    SlotTaken {
        /// Its source.
        source_name: String,
        /// Its name.
        schedule: String,
    },
    /// This controller no longer owns the execution's partition: another one does.
    #[error("another controller has taken over partition {partition}")]
    Fenced {
        /// The partition.
        partition: u8,
    },
    /// The item contradicts itself; nothing was tried.
    #[error("invalid write: {reason}")]
    Invalid {
        /// What is wrong with it.
        reason: String,
    },
    /// The database said no, or is away; nothing was written.
    #[error("database: {reason}")]
    Database {
        /// What it said.
        reason: String,
    },
    /// It cannot be known now whether the item was written: read the history before anything else.
    #[error("it is not known whether the write was committed: {cause}")]
    Unclear {
        /// What happened.
        cause: String,
    },
    /// The store is closed; nothing was written.
    #[error("the store is closed")]
    Closed,
}

impl WriteError {
    /// A stable word for it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ClaimTaken { .. } => "claim_taken",
            Self::Stale { .. } => "stale",
            Self::NumberTaken { .. } => "number_taken",
            Self::IdempotencyTaken { .. } => "idempotency_taken",
            Self::ScheduleMoved { .. } => "schedule_moved",
            Self::SlotTaken { .. } => "slot_taken",
            Self::Fenced { .. } => "fenced",
            Self::Invalid { .. } => "invalid_write",
            Self::Database { .. } => "store_database",
            Self::Unclear { .. } => "write_unclear",
            Self::Closed => "store_closed",
        }
    }
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database { reason: error.to_string() }
    }
}
