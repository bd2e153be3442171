//! Multi-row statements. Row counts are 1 to 16 and then multiples of 16 up to 256, so that a batch is few statements, and an engine's cache
//! of prepared statements holds some sizes of each shape and not one for each batch.

use sqlx::any::AnyArguments;
use sqlx::{Any, AnyConnection, AssertSqlSafe};
use std::borrow::Cow;

/// A statement with its bound values.
pub(crate) type Query = sqlx::query::Query<'static, Any, AnyArguments>;

/// Most rows of one statement, and most items of one batch.
pub(crate) const MAX_ROWS: usize = 256;

/// A statement of fixed text.
pub(crate) fn query(text: &'static str) -> Query {
    sqlx::query(text)
}

/// A statement whose text was put together from fixed pieces. Values are bound, never written into the text.
pub(crate) fn built(text: String) -> Query {
    sqlx::query(AssertSqlSafe(text))
}

/// Runs a statement without values and without preparing it: what begins or ends a transaction, sets a session up, or makes a table.
pub(crate) async fn plain(connection: &mut AnyConnection, text: impl Into<String>) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(text.into())).execute(connection).await?;
    Ok(())
}

/// Bytes of one statement's rows, unless a single row has more.
const STATEMENT_BYTES: usize = 4 << 20;

/// Most bytes of one row's documents. A statement stays below the smallest packet that a server may be set to.
pub(crate) const ROW_BYTES: usize = 12 << 20;

/// Up to so many rows a statement has just as many as there are, then a multiple of it.
const FINE: usize = 16;

/// Statements that a connection keeps prepared: every size of a dozen shapes.
pub(crate) const PREPARED: usize = 400;

/// The slices of a list, each for one statement, the largest first.
pub(crate) fn chunks<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    chunks_by_size(rows, |_| 0)
}

/// The same for rows of some size in bytes, each slice for one statement: no slice is larger than one statement may be, unless it is a single row.
pub(crate) fn chunks_by_size<T>(mut rows: &[T], size: impl Fn(&T) -> usize) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |row: &&T| {
            bytes += size(row);
            bytes <= STATEMENT_BYTES
        };
        let fitting = rows.iter().take(MAX_ROWS).take_while(fits).count().max(rows.len().min(1));
        let (chunk, rest) = rows.split_at(if fitting > FINE { fitting / FINE * FINE } else { fitting });
        rows = rest;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// `unit` as often as there are rows, with `between` in between: `(?,?),(?,?)`.
pub(crate) fn repeat(unit: &str, between: &str, times: usize) -> String {
    vec![unit; times].join(between)
}

/// One shape of statement over many rows: `head`, then `unit` for each row, then `tail`.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) head: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) between: &'static str,
    pub(crate) tail: Cow<'static, str>,
}

impl Shape {
    /// `INSERT … VALUES (?,?),(?,?)`.
    pub(crate) const fn insert(head: &'static str, unit: &'static str) -> Self {
        Self { head, unit, between: ",", tail: Cow::Borrowed("") }
    }

    /// The same with an end, such as an upsert's.
    pub(crate) fn with_tail(self, tail: String) -> Self {
        Self { tail: Cow::Owned(tail), ..self }
    }

    /// Its text for so many rows.
    pub(crate) fn text(&self, rows: usize) -> String {
        format!("{} {} {}", self.head, repeat(self.unit, self.between, rows), self.tail)
    }

    /// Runs it for all rows, which are small, and answers how many rows the engine says it touched.
    pub(crate) async fn run<T>(
        &self,
        connection: &mut AnyConnection,
        rows: &[T],
        bind: impl Fn(Query, &T) -> Query,
    ) -> Result<u64, sqlx::Error> {
        let mut touched = 0;
        for chunk in chunks(rows) {
            let query = chunk.iter().fold(built(self.text(chunk.len())), &bind);
            touched += query.execute(&mut *connection).await?.rows_affected();
        }
        Ok(touched)
    }
}

/// Whether an error says that a unique key exists already.
pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.is_unique_violation())
}

#[cfg(test)]
mod tests {
    use super::{MAX_ROWS, ROW_BYTES, STATEMENT_BYTES, Shape, chunks, chunks_by_size};

    #[test]
    fn large_rows_are_cut_by_their_bytes() {
        let lengths = |sizes: &[usize]| chunks_by_size(sizes, |size| *size).map(<[usize]>::len).collect::<Vec<_>>();
        assert_eq!(lengths(&[ROW_BYTES; 3]), [1, 1, 1]);
        assert_eq!(lengths(&[STATEMENT_BYTES / 4; 11]), [4, 4, 3]);
        assert_eq!(lengths(&[1, 1, STATEMENT_BYTES, 1]), [2, 1, 1]);
        assert_eq!(lengths(&[1; 2 * MAX_ROWS]), [MAX_ROWS, MAX_ROWS]);
    }

    #[test]
    fn lists_are_cut_into_few_sizes() {
        let lengths = |n: usize| chunks(&vec![(); n]).map(<[()]>::len).collect::<Vec<_>>();
        assert_eq!(lengths(0), Vec::<usize>::new());
        assert_eq!(lengths(1), [1]);
        assert_eq!(lengths(7), [7]);
        assert_eq!(lengths(50), [48, 2]);
        assert_eq!(lengths(256), [256]);
        assert_eq!(lengths(600), [256, 256, 80, 8]);
    }

    #[test]
    fn a_shape_repeats_its_unit() {
        let shape = Shape::insert("INSERT INTO t (a, b) VALUES", "(?,?)").with_tail("END".to_owned());
        assert_eq!(shape.text(2), "INSERT INTO t (a, b) VALUES (?,?),(?,?) END");
    }
}
