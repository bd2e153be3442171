//! Releasing a held commit: a person confirms this commit with this plan, and nothing else.

use super::{SyncError, Syncer};
use pulse_store::{SyncOutcome, SyncRecord};
use uuid::Uuid;

/// What a person confirms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// The sync that held it.
    pub sync: Uuid,
    /// The commit.
    pub commit: String,
    /// The plan's digest.
    pub plan_digest: String,
    /// Who says so.
    pub by: String,
}

/// Why a confirmation releases nothing.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// There is no such sync.
    #[error("there is no sync {0}")]
    NoSuchSync(Uuid),
    /// It was not held.
    #[error("sync {id} is {outcome}, not held")]
    NotHeld {
        /// Which.
        id: Uuid,
        /// How it ended.
        outcome: &'static str,
    },
    /// The confirmation is about something else than this sync held.
    #[error("sync {id} holds commit {commit} with plan {plan_digest}; the confirmation names another commit or plan")]
    Another {
        /// Which.
        id: Uuid,
        /// What it holds.
        commit: String,
        /// Its plan.
        plan_digest: String,
    },
    /// The source, or what is live, is no longer what the person saw.
    #[error("the source has moved on since: the look that was just made ended {} ({}); look at it, and confirm that if it is held", .0.outcome.as_str(), .0.commit.as_deref().unwrap_or("no commit"))]
    Moved(Box<SyncRecord>),
    /// Whether the source still holds it cannot be told.
    #[error("the source cannot be read, so nothing was released: {}; the confirmation holds good once it can be", .0.message.as_deref().unwrap_or("no reason is known"))]
    Unreachable(Box<SyncRecord>),
    /// The source's head has errors now.
    #[error("the source's head is commit {} now, and it is refused: {}; nothing was released", .0.commit.as_deref().unwrap_or("unknown"), .0.message.as_deref().unwrap_or("it has errors"))]
    Refused(Box<SyncRecord>),
    /// See [`SyncError`].
    #[error(transparent)]
    Sync(#[from] SyncError),
}

impl Syncer {
    /// Applies what this sync held, if it is still what the source holds and would still do the same.
    pub(super) async fn confirm(&self, held: SyncRecord, word: Confirmation) -> Result<SyncRecord, ConfirmError> {
        let id = held.id;
        if held.outcome != SyncOutcome::Held {
            return Err(ConfirmError::NotHeld { id, outcome: held.outcome.as_str() });
        }
        let commit = held.commit.unwrap_or_default();
        let plan_digest = held.counts["planDigest"].as_str().unwrap_or_default().to_owned();
        if word.commit != commit || word.plan_digest != plan_digest {
            return Err(ConfirmError::Another { id, commit, plan_digest });
        }
        let record = self.in_turn(Some(word)).await?;
        let settled = matches!(record.outcome, SyncOutcome::Applied | SyncOutcome::Unchanged);
        // Confirmed twice: the second one finds it live already.
        if settled && record.commit.as_deref() == Some(commit.as_str()) {
            return Ok(record);
        }
        Err(match record.outcome {
            SyncOutcome::Unreachable => ConfirmError::Unreachable(Box::new(record)),
            SyncOutcome::Refused => ConfirmError::Refused(Box::new(record)),
            SyncOutcome::Applied | SyncOutcome::Unchanged | SyncOutcome::Held => ConfirmError::Moved(Box::new(record)),
        })
    }
}
