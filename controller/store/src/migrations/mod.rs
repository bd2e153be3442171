//! Migrations: numbered, embedded, append-only. A database that a newer release has migrated is refused, never touched.

mod steps;
#[cfg(test)]
mod tests;

use crate::dialect::{Dialect, MigrationText, Purpose};
use crate::faults;
use crate::rows::{Columns, FromRow, list};
use crate::sql::query;
use crate::{Error, backup};
use pulse_protocol::failpoint::{self, Act};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, ConnectOptions, Connection, SqlSafeStr};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

/// One migration and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// Its number.
    pub version: i64,
    /// Its name; empty for one that only a newer release knows.
    pub name: String,
    /// The database has it.
    pub applied: bool,
    /// This release has it.
    pub known: bool,
}

/// Brings the database at this URL to this release's schema and says what it looks like then. Refused while a controller runs
/// on an embedded database.
pub async fn migrate(url: &str) -> Result<Vec<MigrationState>, Error> {
    let dialect = Dialect::of(url)?;
    let _lock = dialect.exclusive()?;
    let mut connection = connect(&dialect).await?;
    run(&dialect, &mut connection).await?;
    let states = status(&dialect, &mut connection).await?;
    connection.close().await?;
    Ok(states)
}

/// Every migration of the database at this URL and of this release. Changes nothing, also where there is no database yet.
pub async fn migration_status(url: &str) -> Result<Vec<MigrationState>, Error> {
    let dialect = Dialect::of(url)?;
    if !dialect.exists() {
        return Ok(merge(&dialect, &BTreeSet::new()));
    }
    let mut connection = connect(&dialect).await?;
    let states = status(&dialect, &mut connection).await?;
    connection.close().await?;
    Ok(states)
}

/// How long a server may take to answer a new connection.
const CONNECT: Duration = Duration::from_secs(10);

/// A connection of its own to a database that can be used, with errors that a pool would hide behind its waiting.
pub(crate) async fn connect(dialect: &Dialect) -> Result<AnyConnection, Error> {
    sqlx::any::install_default_drivers();
    let options = dialect.connect_options(Purpose::Write)?;
    let connected = tokio::time::timeout(CONNECT, options.connect()).await;
    let silent = |_| sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the server does not answer"));
    let mut connection = connected.map_err(silent)??;
    dialect.set_up(&mut connection, Purpose::Write).await?;
    Ok(connection)
}

/// Runs what is missing, after making sure that no newer release was here.
pub(crate) async fn run(dialect: &Dialect, connection: &mut AnyConnection) -> Result<(), Error> {
    dialect.lock_migrations(connection).await?;
    backup::refuse_half_restored(connection).await?;
    run_up_to(dialect, connection, i64::MAX).await?;
    Ok(dialect.unlock_migrations(connection).await?)
}

/// The same up to one migration, under the lock of the caller.
pub(crate) async fn run_up_to(dialect: &Dialect, connection: &mut AnyConnection, schema: i64) -> Result<(), Error> {
    let mut known = dialect.migrations();
    let newest = known.iter().map(|migration| migration.version).max().unwrap_or(0);
    let applied = applied(connection).await?;
    let found = applied.iter().map(|applied| applied.version).max().unwrap_or(0);
    if found > newest {
        return Err(Error::SchemaTooNew { found, known: newest });
    }
    known.retain(|migration| migration.version <= schema);
    if dialect.migrates_in_transactions() {
        Migrator::with_migrations(known).run_direct(None, connection, false).await?;
    } else {
        for step in steps::missing(&known, &applied)? {
            failpoint::before(Act::MigrationStep).map_err(sqlx::Error::from)?;
            step.run(connection).await?;
            failpoint::after(Act::MigrationStep).map_err(sqlx::Error::from)?;
        }
    }
    Ok(())
}

/// Every migration, as this connection sees it.
pub(crate) async fn status(dialect: &Dialect, connection: &mut AnyConnection) -> Result<Vec<MigrationState>, Error> {
    Ok(merge(dialect, &applied(connection).await?.iter().map(|applied| applied.version).collect()))
}

fn merge(dialect: &Dialect, applied: &BTreeSet<i64>) -> Vec<MigrationState> {
    let known = dialect.migrations();
    let versions: BTreeSet<i64> = known.iter().map(|migration| migration.version).chain(applied.iter().copied()).collect();
    let state = |version: i64| {
        let migration = known.iter().find(|migration| migration.version == version);
        MigrationState {
            version,
            name: migration.map(|migration| migration.description.to_string()).unwrap_or_default(),
            applied: applied.contains(&version),
            known: migration.is_some(),
        }
    };
    versions.into_iter().map(state).collect()
}

/// A migration that the database has.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Applied {
    version: i64,
    checksum: Vec<u8>,
}

impl FromRow for Applied {
    const TABLE: &'static str = "_sqlx_migrations";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.get::<i64>("version").ok().map(|version| version.to_string())
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self { version: row.get("version")?, checksum: row.get("checksum")? })
    }
}

/// The migrations that the database has; none where it has never been migrated.
async fn applied(connection: &mut AnyConnection) -> Result<Vec<Applied>, Error> {
    let rows = match list::<Applied>(connection, query("SELECT version, checksum FROM _sqlx_migrations")).await {
        Ok(rows) => rows,
        Err(error) if faults::is_missing_table(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    Ok(rows.into_iter().collect::<Result<_, _>>()?)
}

/// Migrations from their texts. (`sqlx::migrate!` would bring the macros with a proc-macro crate for the same.)
pub(crate) fn embedded(texts: &[MigrationText]) -> Vec<Migration> {
    let make = |&(version, name, text): &MigrationText| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, text.into_sql_str(), false)
    };
    texts.iter().map(make).collect()
}
