//! Rows of a backup into an empty database of the backup's own schema.

use super::mark;
use super::{Cell, Column, Kind, Part};
use crate::dialect::Dialect;
use crate::lock::FolderLock;
use crate::sql::{Query, built, plain, repeat};
use crate::{Error, leases, migrations};
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::{self, Act};
use sqlx::AnyConnection;

/// Rows and bytes of one statement.
const ROWS: usize = 200;
const BYTES: usize = 2 << 20;
/// Statements of one transaction.
const STATEMENTS: usize = 16;

/// A restore that has begun: the database has the mark.
#[derive(Debug)]
pub struct Restore {
    pub(super) dialect: Dialect,
    pub(super) connection: AnyConnection,
    pub(super) epoch: i64,
    table: String,
    columns: Vec<Column>,
    waiting: Vec<Vec<Cell>>,
    bytes: usize,
    statements: usize,
    is_open: bool,
    /// Dropped last.
    _lock: Option<FolderLock>,
}

impl Restore {
    /// Takes the database at this URL for the backup of this schema. Refused while a controller runs on it; and where there is something in it, but
    /// with `force`, which lets that go.
    pub async fn begin(url: &str, schema: i64, force: bool, now: Timestamp) -> Result<Self, Error> {
        let dialect = Dialect::of(url)?;
        let known = dialect.migrations().iter().map(|migration| migration.version).max().unwrap_or(0);
        if schema > known {
            return Err(Error::SchemaTooNew { found: schema, known });
        }
        let lock = dialect.exclusive()?;
        let mut connection = migrations::connect(&dialect).await?;
        dialect.lock_migrations(&mut connection).await?;
        refuse_running(&dialect, &mut connection).await?;
        let is_half = mark::find(&mut connection).await?.is_some();
        if !force
            && !is_half
            && let Some(table) = occupied(&dialect, &mut connection).await?
        {
            let reason = format!(
                "the database is not empty: table {table} has rows; name an empty one, or say --force, and everything in it is lost"
            );
            return Err(Error::Backup { reason });
        }
        // Who may not drop tables finds out before anything has the mark.
        plain(&mut connection, "DROP TABLE IF EXISTS pulse_restoring_probe").await?;
        let epoch = mark::set(&mut connection, now).await?;
        failpoint::before(Act::Restore).map_err(sqlx::Error::from)?;
        for table in dialect.tables(known).iter().map(String::as_str).chain(["_sqlx_migrations"]) {
            plain(&mut connection, format!("DROP TABLE IF EXISTS {table}")).await?;
        }
        migrations::run_up_to(&dialect, &mut connection, schema).await?;
        let (table, columns, waiting) = (String::new(), Vec::new(), Vec::new());
        Ok(Self { dialect, connection, epoch, table, columns, waiting, bytes: 0, statements: 0, is_open: false, _lock: lock })
    }

    /// Takes the next part in.
    pub async fn take(&mut self, part: Part) -> Result<(), Error> {
        match part {
            Part::Table { name, columns } => {
                self.flush().await?;
                self.known(&name, &columns).await?;
                (self.table, self.columns) = (name, columns);
            }
            Part::Row(cells) => {
                self.bytes += cells.iter().map(Cell::size).sum::<usize>();
                self.waiting.push(cells);
                if self.waiting.len() >= ROWS || self.bytes >= BYTES {
                    self.flush().await?;
                }
            }
        }
        Ok(())
    }

    /// A backup names tables and columns; only those that the schema has are written.
    async fn known(&mut self, name: &str, columns: &[Column]) -> Result<(), Error> {
        let there = self.dialect.columns(&mut self.connection, name).await?;
        let stranger = columns.iter().find(|column| !there.contains(column));
        match stranger {
            None if !columns.is_empty() => Ok(()),
            _ => {
                let what = stranger.map_or("no columns".to_owned(), |column| format!("the column `{}`", column.name));
                Err(Error::Backup { reason: format!("it has {what} of the table `{name}`, which its schema does not have so") })
            }
        }
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let rows = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        if !std::mem::replace(&mut self.is_open, true) {
            plain(&mut self.connection, self.dialect.begin_write()).await?;
        }
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let unit = format!("({})", repeat("?", ",", self.columns.len()));
        let insert = format!("INSERT INTO {} ({}) VALUES {}", self.table, names.join(", "), repeat(&unit, ",", rows.len()));
        let mut insert = built(insert);
        for row in rows {
            if row.len() != self.columns.len() {
                return Err(Error::Backup { reason: format!("a row of table {} has {} values", self.table, row.len()) });
            }
            for (cell, column) in row.into_iter().zip(&self.columns) {
                insert = bind(insert, cell, column)?;
            }
        }
        insert.execute(&mut self.connection).await?;
        self.statements += 1;
        if self.statements >= STATEMENTS {
            self.commit().await?;
        }
        Ok(())
    }

    pub(super) async fn flushed(&mut self) -> Result<(), Error> {
        self.flush().await?;
        self.commit().await
    }

    async fn commit(&mut self) -> Result<(), Error> {
        self.statements = 0;
        if std::mem::take(&mut self.is_open) {
            failpoint::before(Act::Restore).map_err(sqlx::Error::from)?;
            plain(&mut self.connection, "COMMIT").await?;
            failpoint::after(Act::Restore).map_err(sqlx::Error::from)?;
        }
        Ok(())
    }
}

fn bind(query: Query, cell: Cell, column: &Column) -> Result<Query, Error> {
    Ok(match (cell, column.kind) {
        (Cell::Null, Kind::Int) => query.bind(None::<i64>),
        (Cell::Null, Kind::Text) => query.bind(None::<String>),
        (Cell::Null, Kind::Bytes) => query.bind(None::<Vec<u8>>),
        (Cell::Int(value), Kind::Int) => query.bind(value),
        (Cell::Text(text), Kind::Text) => query.bind(text),
        (Cell::Bytes(bytes), Kind::Bytes) => query.bind(bytes),
        _ => return Err(Error::Backup { reason: format!("column `{}` holds another kind of value", column.name) }),
    })
}

async fn refuse_running(dialect: &Dialect, connection: &mut AnyConnection) -> Result<(), Error> {
    if dialect.takes_all_leases() {
        return Ok(());
    }
    match leases::holder(dialect, connection).await {
        Ok(Some(holder)) => Err(Error::Held { holder: holder.name, expires_in: holder.expires_in }),
        Err(Error::Database(error)) if crate::faults::is_missing_table(&error) => Ok(()),
        other => other.map(drop),
    }
}

/// A table that has rows, but for what every start makes.
async fn occupied(dialect: &Dialect, connection: &mut AnyConnection) -> Result<Option<String>, Error> {
    let known = dialect.migrations().iter().map(|migration| migration.version).max().unwrap_or(0);
    for table in dialect.tables(known).into_iter().filter(|table| table != "leases" && table != "meta") {
        if dialect.columns(connection, &table).await?.is_empty() {
            continue;
        }
        if built(format!("SELECT 1 FROM {table} LIMIT 1")).fetch_optional(&mut *connection).await?.is_some() {
            return Ok(Some(table));
        }
    }
    Ok(None)
}
