//! Which tables and columns there are, in one set of words: what a backup copies and a restore makes anew.

use super::Dialect;
use crate::Error;
use crate::backup::{Column, Kind};
use crate::rows::{Columns, FromRow, list};
use crate::sql::{plain, query};
use sqlx::AnyConnection;
use std::collections::BTreeSet;

struct Found {
    name: String,
    kind: String,
}

impl FromRow for Found {
    const TABLE: &'static str = "the schema";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("name")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self { name: row.get("name")?, kind: row.get("kind")? })
    }
}

impl Dialect {
    /// The tables that the migrations up to this one make.
    pub(crate) fn tables(&self, schema: i64) -> BTreeSet<String> {
        let migrations = self.migrations();
        let texts = migrations.iter().filter(|migration| migration.version <= schema);
        let names = texts.flat_map(|migration| {
            let words: Vec<&str> = migration.sql.as_str().split_whitespace().collect();
            let created = words.windows(6).filter(|words| words[0] == "CREATE" && words[1] == "TABLE");
            created.map(|words| if words[2] == "IF" { words[5] } else { words[2] }.to_owned()).collect::<Vec<_>>()
        });
        names.collect()
    }

    /// The columns of a table, in their order; none where there is no such table.
    pub(crate) async fn columns(&self, connection: &mut AnyConnection, table: &str) -> Result<Vec<Column>, Error> {
        let select = match self {
            Self::Sqlite { .. } => query("SELECT name, LOWER(type) AS kind FROM pragma_table_info(?) ORDER BY cid"),
            Self::MariaDb { .. } => query(
                "SELECT COLUMN_NAME AS name, DATA_TYPE AS kind FROM information_schema.COLUMNS \
                 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION",
            ),
        };
        let found = list::<Found>(connection, select.bind(table.to_owned())).await?;
        let kind = |kind: &str| match kind {
            kind if kind.contains("int") => Kind::Int,
            kind if kind.contains("blob") => Kind::Bytes,
            _ => Kind::Text,
        };
        found
            .into_iter()
            .map(|row| row.map(|Found { name, kind: word }| Column { name, kind: kind(&word) }))
            .collect::<Result<_, _>>()
            .map_err(Error::from)
    }

    /// Readies a connection for reading everything as of one moment, however slowly it is taken away, and begins.
    pub(crate) async fn begin_dump(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let settings: &[&'static str] = match self {
            Self::Sqlite { .. } => &["PRAGMA query_only = ON"],
            Self::MariaDb { .. } => {
                &["SET SESSION idle_transaction_timeout = 0, net_write_timeout = 3600, max_statement_time = 0"]
            }
        };
        for setting in settings {
            plain(connection, *setting).await?;
        }
        let (before, begin) = self.begin_snapshot();
        for statement in before.into_iter().chain([begin]) {
            plain(connection, statement).await?;
        }
        Ok(())
    }
}
