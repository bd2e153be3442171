//! Errors of the store. A caller can branch on each variant; `code()` is stable and may be shown to people and scripts. The
//! chain is logged once, by the caller at its border.

use crate::faults;
use sqlx::migrate::MigrateError;
use std::path::PathBuf;
use std::time::Duration;

/// What can go wrong with any store method.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another controller has the data folder.
    #[error("{} is locked: another pulse-controller runs on this data folder; stop it, or give this one another folder", .path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// Another controller has the leases of this database.
    #[error("controller {holder:?} runs on this database; its leases expire in {} ms unless it renews them", .expires_in.as_millis())]
    Held {
        /// The name that it was opened with.
        holder: String,
        /// When they expire, by the database's clock.
        expires_in: Duration,
    },
    /// Another controller has taken the leases over: this one must write no more. Nothing was written.
    #[error("another controller has taken over; this one writes no more")]
    Fenced,
    /// The data folder or its lock file cannot be used.
    #[error("cannot use {}: {source}", .path.display())]
    Folder {
        /// What was opened or made.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The database URL is not one that this release serves.
    #[error("database URL {url:?}: {reason}")]
    Url {
        /// The URL, without what could be a password.
        url: String,
        /// What is wrong with it and what is accepted.
        reason: String,
    },
    /// The database server cannot keep the store's promises.
    #[error("the database server cannot be used: {reason}")]
    Server {
        /// What is wrong with it and what is needed.
        reason: String,
    },
    /// Another process migrates this database.
    #[error("another process has been migrating this database for {seconds} s")]
    Migrating {
        /// How long it was waited for.
        seconds: u32,
    },
    /// A newer release has migrated this database.
    #[error(
        "the database has schema {found}, this release knows schemas up to {known}: run the newer pulse-controller, or restore a backup"
    )]
    SchemaTooNew {
        /// The database's newest migration.
        found: i64,
        /// This release's newest migration.
        known: i64,
    },
    /// A restore of this database has begun and did not end.
    #[error("a restore of this database began at {since} and did not end, so that it holds half of a backup: restore it again")]
    HalfRestored {
        /// When it began.
        since: String,
    },
    /// A backup cannot be made or taken in.
    #[error("the backup: {reason}")]
    Backup {
        /// Why not, and what helps.
        reason: String,
    },
    /// A migration failed.
    #[error("migrating the database: {0}")]
    Migration(#[from] MigrateError),
    /// A row that had to be read cannot be read.
    #[error(transparent)]
    Row(#[from] RowError),
    /// Two sources have a workflow of this name.
    #[error("{reference:?} names executions of several sources ({}): use the execution's id", .sources.join(", "))]
    Ambiguous {
        /// As it was asked.
        reference: String,
        /// The sources that have one.
        sources: Vec<String>,
    },
    /// A value that cannot be stored.
    #[error("{what} cannot be stored: {reason}")]
    Value {
        /// Which value.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// The answer to COMMIT got lost and could not be found out: it may or may not have been written.
    #[error("it is not known whether this was written: {cause}")]
    Unclear {
        /// What happened.
        cause: String,
    },
    /// The database said no, or is away.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// A stable word for it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "store_locked",
            Self::Held { .. } => "store_held",
            Self::Fenced => "fenced",
            Self::Folder { .. } => "store_folder",
            Self::Url { .. } => "store_url",
            Self::Server { .. } => "store_server",
            Self::Migrating { .. } => "store_migrating",
            Self::SchemaTooNew { .. } => "store_schema_too_new",
            Self::HalfRestored { .. } => "store_half_restored",
            Self::Backup { .. } => "store_backup",
            Self::Migration(_) => "store_migration",
            Self::Row(_) => "store_row",
            Self::Ambiguous { .. } => "execution_ambiguous",
            Self::Value { .. } => "store_value",
            Self::Unclear { .. } => "write_unclear",
            Self::Database(_) => "store_database",
            Self::Closed => "store_closed",
        }
    }

    /// Whether the same call may succeed later though nobody changes anything: the database is not reachable yet, starts, is
    /// busy or full of connections. False for what needs a person: a wrong URL, no access, a newer schema, a lock.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Held { .. } | Self::Migrating { .. } | Self::Unclear { .. } => true,
            Self::Database(error) => faults::is_transient(error),
            Self::Migration(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
                faults::is_transient(error)
            }
            _ => false,
        }
    }
}

/// One row that cannot be read. Lists report it in its place, so that one bad row never hides the others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("table {table}, {}: {reason}", match .key { Some(key) => format!("row {key}"), None => "a row whose key cannot be read".to_owned() })]
pub struct RowError {
    /// The table.
    pub table: &'static str,
    /// The row's key, where it could be read.
    pub key: Option<String>,
    /// What is wrong with it.
    pub reason: String,
}
