//! Migrations: numbered, embedded, append-only. A database that a newer release has migrated is refused, never touched.

use crate::Error;
use crate::dialect::{Dialect, MigrationText, Purpose};
use crate::rows::{Columns, FromRow, list};
use crate::sql::query;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, ConnectOptions, Connection, SqlSafeStr};
use std::borrow::Cow;
use std::collections::BTreeSet;

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
    let mut connection = connect(&dialect, Purpose::Write).await?;
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
    let mut connection = connect(&dialect, Purpose::Read).await?;
    let states = status(&dialect, &mut connection).await?;
    connection.close().await?;
    Ok(states)
}

async fn connect(dialect: &Dialect, purpose: Purpose) -> Result<AnyConnection, Error> {
    sqlx::any::install_default_drivers();
    let mut connection = dialect.connect_options(purpose)?.connect().await?;
    dialect.set_up(&mut connection, purpose).await?;
    Ok(connection)
}

/// Runs what is missing, after making sure that no newer release was here.
pub(crate) async fn run(dialect: &Dialect, connection: &mut AnyConnection) -> Result<(), Error> {
    let migrator = Migrator::with_migrations(dialect.migrations());
    let known = migrator.iter().map(|migration| migration.version).max().unwrap_or(0);
    let found = applied(connection).await?.last().copied().unwrap_or(0);
    if found > known {
        return Err(Error::SchemaTooNew { found, known });
    }
    Ok(migrator.run_direct(None, connection, false).await?)
}

/// Every migration, as this connection sees it.
pub(crate) async fn status(dialect: &Dialect, connection: &mut AnyConnection) -> Result<Vec<MigrationState>, Error> {
    Ok(merge(dialect, &applied(connection).await?))
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

struct Applied(i64);

impl FromRow for Applied {
    const TABLE: &'static str = "_sqlx_migrations";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self(row.get("version")?))
    }
}

/// Numbers of the migrations that the database has; none where it has never been migrated.
async fn applied(connection: &mut AnyConnection) -> Result<BTreeSet<i64>, Error> {
    let rows = match list::<Applied>(connection, query("SELECT version FROM _sqlx_migrations")).await {
        Ok(rows) => rows,
        // The table's absence is the one error that the database itself reports for so plain a question.
        Err(sqlx::Error::Database(_)) => return Ok(BTreeSet::new()),
        Err(error) => return Err(error.into()),
    };
    Ok(rows.into_iter().map(|row| row.map(|Applied(version)| version)).collect::<Result<_, _>>()?)
}

/// Migrations from their texts. (`sqlx::migrate!` would bring the macros with a proc-macro crate for the same.)
pub(crate) fn embedded(texts: &[MigrationText]) -> Vec<Migration> {
    let make = |&(version, name, text): &MigrationText| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, text.into_sql_str(), false)
    };
    texts.iter().map(make).collect()
}
