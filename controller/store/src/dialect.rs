//! Everything that an engine does its own way, and nothing else: URLs, connection set-up, how a transaction begins, upserts,
//! migrations, who may take the leases. A second engine is a second variant here and a folder of migrations; no query changes.

use crate::lock::FolderLock;
use crate::sql::{Shape, query};
use crate::{Error, migrations};
use sqlx::AnyConnection;
use sqlx::any::AnyConnectOptions;
use sqlx::migrate::Migration;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// An engine, with where its database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Embedded SQLite in this file.
    Sqlite {
        /// The database file, absolute.
        file: PathBuf,
    },
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Writes; makes the database if it is missing.
    Write,
    /// Reads.
    Read,
}

/// Readers side by side.
const SQLITE_READERS: u32 = 4;

/// WAL lets readers go on beside the writer; FULL makes a commit durable before it is answered.
const SQLITE_SETUP: [&str; 5] = [
    "PRAGMA busy_timeout = 10000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_size_limit = 67108864",
];

const URL_FORM: &str = "expected sqlite:///absolute/path/to/file.db, with `%` and `?` in the path written as %25 and %3F";

impl Dialect {
    /// The engine that a database URL names.
    pub(crate) fn of(url: &str) -> Result<Self, Error> {
        let scheme = url.split(':').next().unwrap_or_default();
        let refuse = |reason: String| {
            let shown = if scheme == "sqlite" { url.to_owned() } else { format!("{scheme}:…") };
            Error::Url { url: shown, reason }
        };
        let Some(rest) = url.strip_prefix("sqlite:") else {
            return Err(refuse(format!("this release serves sqlite only; {URL_FORM}")));
        };
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let (path, parameters) = path.split_once('?').unwrap_or((path, ""));
        if !matches!(parameters, "" | "mode=rwc") {
            return Err(refuse(format!("parameters are not taken, found {parameters:?}; {URL_FORM}")));
        }
        let path = percent_decoded(path).ok_or_else(|| refuse(format!("its path is not UTF-8 text; {URL_FORM}")))?;
        if path.is_empty() || path == ":memory:" {
            return Err(refuse(format!("a database in memory would lose every execution; {URL_FORM}")));
        }
        let file = std::path::absolute(&path).map_err(|error| refuse(error.to_string()))?;
        if file.file_name().is_none() || file.to_str().is_none() {
            return Err(refuse(format!("its path names no file; {URL_FORM}")));
        }
        Ok(Self::Sqlite { file })
    }

    /// Takes what makes this process the only one on the database, where the engine has such a thing.
    pub(crate) fn exclusive(&self) -> Result<Option<FolderLock>, Error> {
        match self {
            Self::Sqlite { file } => FolderLock::take(file.parent().unwrap_or(Path::new("."))).map(Some),
        }
    }

    /// Whether the database is there already.
    pub(crate) fn exists(&self) -> bool {
        match self {
            Self::Sqlite { file } => file.exists(),
        }
    }

    /// How to connect.
    pub(crate) fn connect_options(&self, purpose: Purpose) -> Result<AnyConnectOptions, Error> {
        match self {
            Self::Sqlite { file } => {
                // `ro` cannot open a WAL whose shared memory is not there yet; readers are kept from writing by their set-up.
                let mode = if purpose == Purpose::Write { "rwc" } else { "rw" };
                let url = format!("sqlite://{}?mode={mode}", percent_encoded(&file.to_string_lossy()));
                Ok(url.parse()?)
            }
        }
    }

    /// Connections of the pool for this purpose.
    pub(crate) const fn pool_size(&self, purpose: Purpose) -> u32 {
        match (self, purpose) {
            (Self::Sqlite { .. }, Purpose::Write) => 1,
            (Self::Sqlite { .. }, Purpose::Read) => SQLITE_READERS,
        }
    }

    /// Whether a connection can break by itself, so that it is worth a round trip to try it before each use.
    pub(crate) const fn can_lose_connections(&self) -> bool {
        match self {
            Self::Sqlite { .. } => false,
        }
    }

    /// Sets a new connection up.
    pub(crate) async fn set_up(&self, connection: &mut AnyConnection, purpose: Purpose) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite { .. } => {
                for pragma in SQLITE_SETUP {
                    query(pragma).execute(&mut *connection).await?;
                }
                if purpose == Purpose::Read {
                    query("PRAGMA query_only = ON").execute(&mut *connection).await?;
                }
                Ok(())
            }
        }
    }

    /// Begins a transaction that will write. SQLite takes the write lock at once: a transaction that reads first and writes
    /// later could otherwise fail half-way.
    pub(crate) const fn begin_write(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "BEGIN IMMEDIATE",
        }
    }

    /// The engine's migrations, oldest first.
    pub(crate) fn migrations(&self) -> Vec<Migration> {
        match self {
            Self::Sqlite { .. } => migrations::embedded(&SQLITE_MIGRATIONS),
        }
    }

    /// An insert with the end that leaves a row with this key as it is.
    pub(crate) fn or_ignore(&self, shape: Shape, _key: &str) -> Shape {
        match self {
            Self::Sqlite { .. } => shape.with_tail("ON CONFLICT DO NOTHING"),
        }
    }

    /// The database's clock, microseconds since 1970 UTC, as an expression.
    pub(crate) const fn now(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
        }
    }

    /// End of a select whose rows nobody may write until the transaction has ended.
    pub(crate) const fn for_share(&self) -> &'static str {
        match self {
            // The write lock is held since BEGIN IMMEDIATE.
            Self::Sqlite { .. } => "",
        }
    }

    /// An insert with the end that makes it an upsert.
    pub(crate) fn upsert(&self, shape: Shape, upsert: &Upsert) -> Shape {
        match self {
            Self::Sqlite { .. } => shape.with_tail(upsert.sqlite),
        }
    }

    /// Whether a guarded upsert of existing rows applied to each, judged by the count of touched rows that it answered.
    pub(crate) fn applied_to_all(&self, touched: u64, rows: usize) -> bool {
        match self {
            // Rows whose guard was false are not counted.
            Self::Sqlite { .. } => touched == rows as u64,
        }
    }

    /// End of a select whose rows are written later in the same transaction.
    pub(crate) const fn for_update(&self) -> &'static str {
        match self {
            // The write lock is held since BEGIN IMMEDIATE.
            Self::Sqlite { .. } => "",
        }
    }

    /// Whether a controller that starts takes every lease at once, because [`Self::exclusive`] proved that nobody else runs.
    pub(crate) const fn takes_all_leases(&self) -> bool {
        match self {
            Self::Sqlite { .. } => true,
        }
    }
}

/// The end of an upsert in each engine's words.
pub(crate) struct Upsert {
    sqlite: &'static str,
}

/// An execution's row goes on from the sequence that the writer knew; a stale writer's row changes nothing.
pub(crate) const UPSERT_EXECUTION: Upsert = Upsert {
    sqlite: "ON CONFLICT (id) DO UPDATE SET status = excluded.status, terminal = excluded.terminal, \
        started_at = excluded.started_at, ended_at = excluded.ended_at, wake_at = excluded.wake_at, \
        message = excluded.message, seq = excluded.seq, prior_seq = excluded.prior_seq, revision = executions.revision + 1 \
        WHERE executions.seq = excluded.prior_seq",
};

/// The newest content of a definition; brings a retired one back.
pub(crate) const UPSERT_DEFINITION: Upsert = Upsert {
    sqlite: "ON CONFLICT (source, kind, name) DO UPDATE SET path = excluded.path, digest = excluded.digest, \
        generation = excluded.generation, commit_id = excluded.commit_id, manifest = excluded.manifest, \
        files = excluded.files, retired_at = excluded.retired_at, updated_at = excluded.updated_at",
};

/// The last webhook of a source.
pub(crate) const UPSERT_WEBHOOK: Upsert = Upsert {
    sqlite: "ON CONFLICT (source) DO UPDATE SET received_at = excluded.received_at, accepted = excluded.accepted, \
        reason = excluded.reason, detail = excluded.detail",
};

/// How far a stream is stored.
pub(crate) const UPSERT_OUTPUT_STATE: Upsert =
    Upsert { sqlite: "ON CONFLICT (attempt, stream) DO UPDATE SET stored = excluded.stored, cut = excluded.cut" };

/// Number, name and text of each migration.
pub(crate) type MigrationText = (i64, &'static str, &'static str);

const SQLITE_MIGRATIONS: [MigrationText; 2] = [
    (1, "base", include_str!("../../../migrations/sqlite/0001_base.sql")),
    (2, "gitops", include_str!("../../../migrations/sqlite/0002_gitops.sql")),
];

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).filter(|_| first == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn percent_encoded(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _infallible = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{Dialect, percent_decoded, percent_encoded};
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
        let error = Dialect::of("mysql://user:hunter2@db/pulse").unwrap_err().to_string();
        assert!(!error.contains("hunter2") && error.contains("sqlite only"), "{error}");
    }

    #[test]
    fn paths_survive_the_url() {
        for path in ["/a b/ü?#%.db", "/plain/file-1_2.db"] {
            assert_eq!(percent_decoded(&percent_encoded(path)).as_deref(), Some(path));
        }
    }
}
