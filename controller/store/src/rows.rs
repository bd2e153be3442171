//! Reading rows. A row that cannot be read is an error of its own, in its place; only a database that is away fails a whole
//! list.

use crate::sql::Query;
use crate::{Error, RowError};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, Decode, Row, Type};

/// A type that one row makes.
pub(crate) trait FromRow: Sized {
    /// The table, for messages.
    const TABLE: &'static str;
    /// The row's key, as far as it can be read.
    fn key(row: &Columns<'_>) -> Option<String>;
    /// The row's content.
    fn read(row: &Columns<'_>) -> Result<Self, String>;
}

/// All rows of a query, good and bad.
pub(crate) async fn list<T: FromRow>(
    connection: &mut AnyConnection,
    query: Query,
) -> Result<Vec<Result<T, RowError>>, sqlx::Error> {
    let mut stream = query.fetch(connection);
    let mut rows = Vec::new();
    while let Some(row) = stream.next().await {
        match row {
            Ok(row) => rows.push(from_row(&row)),
            Err(error) if concerns_one_row(&error) => {
                rows.push(Err(RowError { table: T::TABLE, key: None, reason: error.to_string() }));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(rows)
}

/// The one row of a query, if there is one.
pub(crate) async fn one<T: FromRow>(connection: &mut AnyConnection, query: Query) -> Result<Option<T>, Error> {
    Ok(list(connection, query).await?.into_iter().next().transpose()?)
}

/// Whether an error is about a row's content, and not about the connection.
fn concerns_one_row(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::AnyDriverError(_))
}

fn from_row<T: FromRow>(row: &AnyRow) -> Result<T, RowError> {
    let columns = Columns { row };
    T::read(&columns).map_err(|reason| RowError { table: T::TABLE, key: T::key(&columns), reason })
}

/// A row, read by the places of its columns.
pub(crate) struct RowReader<'r>(pub(crate) &'r AnyRow);

impl<'r> RowReader<'r> {
    /// A value.
    pub(crate) fn at<T: Decode<'r, Any> + Type<Any>>(&self, index: usize) -> Result<T, sqlx::Error> {
        self.0.try_get(index)
    }
}

/// A row's columns, read by name with errors that name the column.
pub(crate) struct Columns<'r> {
    row: &'r AnyRow,
}

impl<'r> Columns<'r> {
    /// A value.
    pub(crate) fn get<T: Decode<'r, Any> + Type<Any>>(&self, column: &'static str) -> Result<T, String> {
        self.row.try_get(column).map_err(|error| format!("column {column}: {error}"))
    }

    /// Text, for a key that is shown.
    pub(crate) fn text(&self, column: &'static str) -> Option<String> {
        self.get(column).ok()
    }

    /// A number that must fit into a smaller or unsigned type.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, String> {
        let value: i64 = self.get(column)?;
        T::try_from(value).map_err(|_| format!("column {column}: {value} is out of range"))
    }

    /// Text in the form of some type, such as an id.
    pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&self, column: &'static str) -> Result<T, String> {
        self.get::<String>(column)?.parse().map_err(|error| format!("column {column}: {error}"))
    }

    /// The same where it may be absent.
    pub(crate) fn parsed_option<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, String> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| text.parse().map_err(|error| format!("column {column}: {error}"))).transpose()
    }

    /// A JSON document.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, String> {
        serde_json::from_str(&self.get::<String>(column)?).map_err(|error| format!("column {column}: {error}"))
    }
}
