//! Everything as of one moment, row by row. Whoever writes meanwhile is not held up.

use super::{Cell, Column, Kind, LEFT_OUT, Part};
use crate::dialect::Dialect;
use crate::rows::RowReader;
use crate::sql::built;
use crate::{Error, migrations};
use futures_util::StreamExt;
use sqlx::{AnyConnection, Connection};

/// A database, ready to be read as of now.
#[derive(Debug)]
pub struct Dump {
    dialect: Dialect,
    connection: AnyConnection,
    schema: i64,
    epoch: i64,
}

impl Dump {
    /// Fixes the moment. Refused for a schema that this release does not know.
    pub async fn begin(url: &str) -> Result<Self, Error> {
        let dialect = Dialect::of(url)?;
        let missing = || Error::Backup { reason: "there is no database yet, so there is nothing to back up".to_owned() };
        if !dialect.exists() {
            return Err(missing());
        }
        let mut connection = migrations::connect(&dialect).await?;
        super::refuse_half_restored(&mut connection).await?;
        dialect.begin_dump(&mut connection).await?;
        let states = migrations::status(&dialect, &mut connection).await?;
        let known = states.iter().filter(|state| state.known).map(|state| state.version).max().unwrap_or(0);
        let schema = states.iter().filter(|state| state.applied).map(|state| state.version).max().ok_or_else(missing)?;
        if schema > known {
            return Err(Error::SchemaTooNew { found: schema, known });
        }
        let epoch = super::mark::highest_epoch(&mut connection).await?;
        Ok(Self { dialect, connection, schema, epoch })
    }

    /// The schema that the database has.
    pub const fn schema(&self) -> i64 {
        self.schema
    }

    /// The highest epoch that its leases ever had.
    pub const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Hands out every table with its rows, and ends.
    pub async fn run(mut self, mut part: impl FnMut(Part) -> std::io::Result<()>) -> Result<(), Error> {
        let wanted = |name: &String| !LEFT_OUT.contains(&name.as_str());
        for table in self.dialect.tables(self.schema).into_iter().filter(wanted) {
            let columns = self.dialect.columns(&mut self.connection, &table).await?;
            rows(&mut self.connection, &table, &columns, &mut part).await?;
        }
        Ok(self.connection.close().await?)
    }
}

async fn rows(
    connection: &mut AnyConnection,
    table: &str,
    columns: &[Column],
    part: &mut impl FnMut(Part) -> std::io::Result<()>,
) -> Result<(), Error> {
    let blame = |source: std::io::Error| Error::Backup { reason: format!("it cannot be written: {source}") };
    part(Part::Table { name: table.to_owned(), columns: columns.to_vec() }).map_err(blame)?;
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let select = built(format!("SELECT {} FROM {table}", names.join(", ")));
    let mut rows = select.fetch(connection);
    let mut number = 0;
    while let Some(row) = rows.next().await {
        let row = row?;
        number += 1;
        let cells = columns.iter().enumerate().map(|(index, column)| cell(&RowReader(&row), index, column));
        let cells = cells.collect::<Result<Vec<_>, _>>();
        let cells = cells.map_err(|reason| Error::Backup { reason: format!("row {number} of table {table}: {reason}") })?;
        part(Part::Row(cells)).map_err(blame)?;
    }
    Ok(())
}

fn cell(row: &RowReader<'_>, index: usize, column: &Column) -> Result<Cell, String> {
    let read = match column.kind {
        Kind::Int => row.at::<Option<i64>>(index).map(|value| value.map(Cell::Int)),
        Kind::Text => row.at::<Option<String>>(index).map(|value| value.map(Cell::Text)),
        Kind::Bytes => row.at::<Option<Vec<u8>>>(index).map(|value| value.map(Cell::Bytes)),
    };
    read.map(|value| value.unwrap_or(Cell::Null)).map_err(|error| format!("column {}: {error}", column.name))
}
