//! Multi-row statements. Row counts are powers of two up to 256, so that an engine's cache of prepared statements holds a few
//! shapes and not one for each batch size.

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

/// The slices of a list whose lengths are powers of two, the largest first.
pub(crate) fn chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = if rows.len() >= MAX_ROWS { MAX_ROWS } else { 1 << rows.len().checked_ilog2()? };
        let (chunk, rest) = rows.split_at(length);
        rows = rest;
        Some(chunk)
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

    fn text(&self, rows: usize) -> String {
        format!("{} {} {}", self.head, repeat(self.unit, self.between, rows), self.tail)
    }

    /// Runs it for all rows and answers how many rows the engine says it touched.
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
    use super::{Shape, chunks};

    #[test]
    fn lists_are_cut_into_powers_of_two() {
        let lengths = |n: usize| chunks(&vec![(); n]).map(<[()]>::len).collect::<Vec<_>>();
        assert_eq!(lengths(0), Vec::<usize>::new());
        assert_eq!(lengths(1), [1]);
        assert_eq!(lengths(7), [4, 2, 1]);
        assert_eq!(lengths(256), [256]);
        assert_eq!(lengths(600), [256, 256, 64, 16, 8]);
    }

    #[test]
    fn a_shape_repeats_its_unit() {
        let shape = Shape::insert("INSERT INTO t (a, b) VALUES", "(?,?)").with_tail("END".to_owned());
        assert_eq!(shape.text(2), "INSERT INTO t (a, b) VALUES (?,?),(?,?) END");
    }
}
