//! How a source stands, as facts and as the conditions that people and their tools read.

mod conditions;
mod pace;
mod reason;

pub use conditions::{Condition, ConditionType, Truth, conditions};
pub use pace::{FIRST_RETRY, until_next_look};
pub use reason::{ConditionReason, SourceReason, SyncReason};

use crate::Timestamp;

/// What kind of place manifests come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A plain folder.
    Folder,
    /// A Git repository.
    Git,
}

impl SourceKind {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Git => "git",
        }
    }
}

/// Where a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceAddress {
    /// What it is.
    pub kind: SourceKind,
    /// Its URL without secrets, or the folder's path.
    pub url: String,
    /// The branch, where there are branches.
    pub branch: Option<String>,
    /// What of it is read; absent for all of it.
    pub path: Option<String>,
}

/// What is known of a source's syncs. Each fact is observed; [`conditions`] makes words of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFacts {
    /// Since when a look has been under way.
    pub looking_since: Option<Timestamp>,
    /// The last look that ended.
    pub last: Option<LastSync>,
    /// When the last look ended, whether it was worth a record or not.
    pub last_look: Option<Timestamp>,
    /// When the last look ended after which what the source holds was live.
    pub last_success: Option<Timestamp>,
    /// Looks in a row that failed: the source could not be read, or the controller could not do its part.
    pub failures: u32,
}

/// How the last look ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSync {
    /// Why.
    pub reason: SyncReason,
    /// In one sentence.
    pub message: String,
    /// Since when every look has ended like this.
    pub since: Timestamp,
}

/// A source as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus<Sync> {
    /// Its name, part of every key.
    pub name: String,
    /// Where it is.
    pub address: SourceAddress,
    /// The commit that is live; absent before the first one.
    pub observed_commit: Option<String>,
    /// Counts the commits that were applied.
    pub generation: i64,
    /// The last recorded sync.
    pub last_sync: Option<Sync>,
    /// When the last look ended.
    pub last_look: Option<Timestamp>,
    /// When the next look comes without any hint; absent while one is under way or nothing looks.
    pub next_look: Option<Timestamp>,
    /// Looks in a row that failed.
    pub failures: u32,
    /// Ready, Reconciling, Stalled, in this order.
    pub conditions: [Condition; 3],
}

#[cfg(test)]
mod tests;
