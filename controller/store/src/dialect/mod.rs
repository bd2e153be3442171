//! Everything that an engine does its own way, and nothing else: URLs, connection set-up, how a transaction begins, upserts,
//! the database's clock, migrations, who may take the leases, which index is used. No query differs outside this folder.

mod mariadb;
mod sqlite;
mod tables;
mod upsert;

pub(crate) use mariadb::Server;
pub(crate) use upsert::{UPSERT_DEFINITION, UPSERT_EXECUTION, UPSERT_OUTPUT_STATE, UPSERT_WEBHOOK};

use crate::lock::FolderLock;
use crate::{Error, migrations};
use sqlx::any::AnyConnectOptions;
use sqlx::migrate::Migration;
use sqlx::{AnyConnection, ConnectOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest statements, in bytes of them all, that SQLite gets as one message: those of two or three starts.
const SHORT: usize = 16 * 1024;

/// An engine, with where its database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Embedded SQLite in this file.
    Sqlite {
        /// The database file, absolute.
        file: PathBuf,
    },
    /// A MariaDB server.
    MariaDb {
        /// Where.
        server: Server,
    },
}

/// What stands before and behind the hexadecimal digits of a text's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Around {
    pub(crate) before: &'static str,
    pub(crate) after: &'static str,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Writes; makes an embedded database if it is missing.
    Write,
    /// Reads.
    Read,
}

/// Number, name and text of each migration.
pub(crate) type MigrationText = (i64, &'static str, &'static str);

impl Dialect {
    /// The engine that a database URL names.
    pub(crate) fn of(url: &str) -> Result<Self, Error> {
        let (scheme, rest) = url.split_once(':').unwrap_or_default();
        match scheme {
            "sqlite" => Ok(Self::Sqlite { file: sqlite::file(url, rest)? }),
            "mariadb" | "mysql" => Ok(Self::MariaDb { server: Server::of(scheme, rest)? }),
            _ => {
                let (sqlite, mariadb) = (sqlite::URL_FORM, mariadb::URL_FORM);
                let reason = format!("expected {sqlite}; or {mariadb}");
                Err(Error::Url { url: format!("{scheme}:…"), reason })
            }
        }
    }

    /// Takes what makes this process the only one on the database, where the engine has such a thing.
    pub(crate) fn exclusive(&self) -> Result<Option<FolderLock>, Error> {
        match self {
            Self::Sqlite { file } => FolderLock::take(file.parent().unwrap_or(Path::new("."))).map(Some),
            Self::MariaDb { .. } => Ok(None),
        }
    }

    /// Whether there is a database to connect to, as far as it can be told without connecting.
    pub(crate) fn exists(&self) -> bool {
        match self {
            Self::Sqlite { file } => file.exists(),
            Self::MariaDb { .. } => true,
        }
    }

    /// How to connect.
    pub(crate) fn connect_options(&self, purpose: Purpose) -> Result<AnyConnectOptions, Error> {
        let options = match self {
            Self::Sqlite { file } => sqlite::connect_options(file, purpose),
            Self::MariaDb { server } => server.connect_options(),
        };
        // A statement may hold what people gave as parameters, and logs are read by others.
        Ok(options?.disable_statement_logging())
    }

    /// Connections of the pool for this purpose.
    pub(crate) const fn pool_size(&self, purpose: Purpose) -> u32 {
        match (self, purpose) {
            (Self::Sqlite { .. }, Purpose::Write) => 1,
            (Self::Sqlite { .. }, Purpose::Read) => sqlite::READERS,
            (Self::MariaDb { .. }, Purpose::Write) => mariadb::WRITERS,
            (Self::MariaDb { .. }, Purpose::Read) => mariadb::READERS,
        }
    }

    /// How long a free connection of the pool, or a new one, is waited for.
    pub(crate) const fn patience(&self) -> Duration {
        match self {
            Self::Sqlite { .. } => Duration::from_secs(30),
            // A server that is away is told to the caller soon.
            Self::MariaDb { .. } => Duration::from_secs(5),
        }
    }

    /// Whether a connection can break by itself, so that it is worth a round trip to try it before each use.
    pub(crate) const fn can_lose_connections(&self) -> bool {
        match self {
            Self::Sqlite { .. } => false,
            Self::MariaDb { .. } => true,
        }
    }

    /// Sets a new connection up, whichever it is. Refuses a server that is too old, another product, or set up so that it cannot
    /// keep the store's promises: behind one address it may be another one than a moment ago.
    pub(crate) async fn set_up(&self, connection: &mut AnyConnection, purpose: Purpose) -> Result<(), Error> {
        match self {
            Self::Sqlite { .. } => Ok(sqlite::set_up(connection, purpose).await?),
            Self::MariaDb { .. } => {
                mariadb::check(connection).await?;
                Ok(mariadb::set_up(connection, purpose).await?)
            }
        }
    }

    /// Begins a transaction that will write. SQLite takes the write lock at once: a transaction that reads first and writes
    /// later could otherwise fail half-way.
    pub(crate) const fn begin_write(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "BEGIN IMMEDIATE",
            Self::MariaDb { .. } => "START TRANSACTION",
        }
    }

    /// Begins a transaction whose reads all see the same moment: what is said of the next transaction, and how it begins.
    pub(crate) const fn begin_snapshot(&self) -> (Option<&'static str>, &'static str) {
        match self {
            // Its first read fixes the moment.
            Self::Sqlite { .. } => (None, "BEGIN"),
            Self::MariaDb { .. } => (Some(mariadb::SNAPSHOT_ISOLATION), "START TRANSACTION WITH CONSISTENT SNAPSHOT"),
        }
    }

    /// The engine's migrations, oldest first.
    pub(crate) fn migrations(&self) -> Vec<Migration> {
        match self {
            Self::Sqlite { .. } => migrations::embedded(&sqlite::MIGRATIONS),
            Self::MariaDb { .. } => migrations::embedded(&mariadb::MIGRATIONS),
        }
    }

    /// Whether a migration is one transaction; else each of its statements commits by itself.
    pub(crate) const fn migrates_in_transactions(&self) -> bool {
        match self {
            Self::Sqlite { .. } => true,
            Self::MariaDb { .. } => false,
        }
    }

    /// Waits for other processes that migrate, and keeps them waiting.
    pub(crate) async fn lock_migrations(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        match self {
            // The folder's lock and the migration's transaction do that.
            Self::Sqlite { .. } => Ok(()),
            Self::MariaDb { .. } => mariadb::lock_migrations(connection).await,
        }
    }

    /// The end of [`Self::lock_migrations`]; so is closing the connection.
    pub(crate) async fn unlock_migrations(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite { .. } => Ok(()),
            Self::MariaDb { .. } => mariadb::unlock_migrations(connection).await,
        }
    }

    /// The database's clock, microseconds since 1970 UTC, as an expression.
    pub(crate) const fn now(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
            // The statement's beginning: a wait for a lock never makes a lease longer. The driver sets the session's zone to UTC.
            Self::MariaDb { .. } => "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)",
        }
    }

    /// Where several statements, of so many bytes in all, go as one message: how a text's bytes stand in it.
    pub(crate) const fn message(&self, bytes: usize) -> Option<Around> {
        match self {
            // Each is compiled anew, which takes longer than asking the engine's thread for it where it is kept prepared, unless it is short.
            Self::Sqlite { .. } if bytes > SHORT => None,
            Self::Sqlite { .. } => Some(Around { before: "CAST(x'", after: "' AS TEXT)" }),
            Self::MariaDb { .. } => Some(Around { before: "_utf8mb4 x'", after: "'" }),
        }
    }

    /// End of a select whose rows are written later in the same transaction.
    pub(crate) const fn for_update(&self) -> &'static str {
        match self {
            // The write lock is held since BEGIN IMMEDIATE.
            Self::Sqlite { .. } => "",
            Self::MariaDb { .. } => "FOR UPDATE",
        }
    }

    /// End of a select whose rows nobody may write until the transaction has ended.
    pub(crate) const fn for_share(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "",
            Self::MariaDb { .. } => "LOCK IN SHARE MODE",
        }
    }

    /// What stands behind a table that is to be read by this index, or by its primary key, and by no other.
    pub(crate) fn by_index(&self, table: &str, index: Option<&str>) -> String {
        match (self, index) {
            (Self::Sqlite { .. }, Some(index)) => format!("INDEXED BY {index}"),
            (Self::Sqlite { .. }, None) => format!("INDEXED BY sqlite_autoindex_{table}_1"),
            (Self::MariaDb { .. }, Some(index)) => format!("FORCE INDEX ({index})"),
            (Self::MariaDb { .. }, None) => "FORCE INDEX (PRIMARY)".to_owned(),
        }
    }

    /// Joins two tables so that the first one is read first.
    pub(crate) const fn join_in_order(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "CROSS JOIN",
            Self::MariaDb { .. } => "STRAIGHT_JOIN",
        }
    }

    /// Whether a controller that starts takes every lease at once, because [`Self::exclusive`] proved that nobody else runs.
    pub(crate) const fn takes_all_leases(&self) -> bool {
        match self {
            Self::Sqlite { .. } => true,
            Self::MariaDb { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dialect;
    use std::path::PathBuf;

    #[test]
    fn a_url_names_a_file() {
        for (url, file) in [
            ("sqlite:///data/pulse.db", "/data/pulse.db"),
            ("sqlite:/data/pulse.db?mode=rwc", "/data/pulse.db"),
            ("sqlite:///a%20b/100%25.db", "/a b/100%.db"),
        ] {
            assert_eq!(Dialect::of(url).unwrap(), Dialect::Sqlite { file: PathBuf::from(file) }, "{url}");
        }
    }

    #[test]
    fn other_urls_are_refused_without_showing_a_password() {
        for url in ["sqlite::memory:", "sqlite://", "sqlite:///a.db?cache=shared", "sqlite:///%ff.db", "sqlite:///", "nonsense"] {
            assert_eq!(Dialect::of(url).unwrap_err().code(), "store_url", "{url}");
        }
        let error = Dialect::of("postgres://user:hunter2@db/pulse").unwrap_err().to_string();
        assert!(!error.contains("hunter2") && error.contains("sqlite:///") && error.contains("mariadb://"), "{error}");
    }

    #[test]
    fn both_engines_have_the_same_migrations() {
        let names = |url| -> Vec<_> {
            let migrations = Dialect::of(url).unwrap().migrations();
            migrations.into_iter().map(|migration| (migration.version, migration.description)).collect()
        };
        assert_eq!(names("sqlite:///a.db"), names("mariadb://u@h/d"));
    }
}
