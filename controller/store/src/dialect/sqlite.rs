//! Embedded SQLite: its URL, its set-up, its migrations.

use super::{MigrationText, Purpose};
use crate::Error;
use crate::sql::query;
use sqlx::AnyConnection;
use sqlx::any::AnyConnectOptions;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Readers side by side.
pub(super) const READERS: u32 = 4;

/// WAL lets readers go on beside the writer; FULL makes a commit durable before it is answered.
const SETUP: [&str; 5] = [
    "PRAGMA busy_timeout = 10000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_size_limit = 67108864",
];

pub(super) const URL_FORM: &str = "sqlite:///absolute/path/to/file.db, with `%` and `?` in the path written as %25 and %3F";

pub(super) const MIGRATIONS: [MigrationText; 9] = [
    (1, "base", include_str!("../../../../migrations/sqlite/0001_base.sql")),
    (2, "gitops", include_str!("../../../../migrations/sqlite/0002_gitops.sql")),
    (3, "lookups", include_str!("../../../../migrations/sqlite/0003_lookups.sql")),
    (4, "schedules", include_str!("../../../../migrations/sqlite/0004_schedules.sql")),
    (5, "people", include_str!("../../../../migrations/sqlite/0005_people.sql")),
    (6, "agents", include_str!("../../../../migrations/sqlite/0006_agents.sql")),
    (7, "identity", include_str!("../../../../migrations/sqlite/0007_identity.sql")),
    (8, "audit", include_str!("../../../../migrations/sqlite/0008_audit.sql")),
    (9, "keep", include_str!("../../../../migrations/sqlite/0009_keep.sql")),
];

/// The file that a URL names; `rest` is what follows `sqlite:`.
pub(super) fn file(url: &str, rest: &str) -> Result<PathBuf, Error> {
    let refuse = |reason: String| Error::Url { url: url.to_owned(), reason: format!("{reason}; expected {URL_FORM}") };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let (path, parameters) = path.split_once('?').unwrap_or((path, ""));
    if !matches!(parameters, "" | "mode=rwc") {
        return Err(refuse(format!("parameters are not taken, found {parameters:?}")));
    }
    let path = percent_decoded(path).ok_or_else(|| refuse("its path is not UTF-8 text".to_owned()))?;
    if path.is_empty() || path == ":memory:" {
        return Err(refuse("a database in memory would lose every execution".to_owned()));
    }
    let file = std::path::absolute(&path).map_err(|error| refuse(error.to_string()))?;
    if file.file_name().is_none() || file.to_str().is_none() {
        return Err(refuse("its path names no file".to_owned()));
    }
    Ok(file)
}

pub(super) fn connect_options(file: &Path, purpose: Purpose) -> Result<AnyConnectOptions, Error> {
    // `ro` cannot open a WAL whose shared memory is not there yet; readers are kept from writing by their set-up.
    let mode = if purpose == Purpose::Write { "rwc" } else { "rw" };
    let url = format!("sqlite://{}?mode={mode}", percent_encoded(&file.to_string_lossy()));
    Ok(url.parse()?)
}

pub(super) async fn set_up(connection: &mut AnyConnection, purpose: Purpose) -> Result<(), sqlx::Error> {
    for pragma in SETUP {
        query(pragma).execute(&mut *connection).await?;
    }
    if purpose == Purpose::Read {
        query("PRAGMA query_only = ON").execute(&mut *connection).await?;
    }
    Ok(())
}

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
    use super::{percent_decoded, percent_encoded};

    #[test]
    fn paths_survive_the_url() {
        for path in ["/a b/ü?#%.db", "/plain/file-1_2.db"] {
            assert_eq!(percent_decoded(&percent_encoded(path)).as_deref(), Some(path));
        }
    }
}
