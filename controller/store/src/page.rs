//! Pages of lists. A page ends with a cursor, the id of its last row; ids sort by time.

use crate::RowError;
use pulse_protocol::ExecutionId;
use std::str::FromStr;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, C = ExecutionId> {
    /// The rows; one that cannot be read stands as an error in its place.
    pub items: Vec<Result<T, RowError>>,
    /// Where the next page begins; absent at the end.
    pub next: Option<C>,
}

/// Which way a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// What waits longest comes first.
    OldestFirst,
    /// History.
    NewestFirst,
}

impl Order {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::OldestFirst => "ASC",
            Self::NewestFirst => "DESC",
        }
    }

    /// What is true of the rows after a cursor.
    pub(crate) const fn after(self) -> &'static str {
        match self {
            Self::OldestFirst => "id > ?",
            Self::NewestFirst => "id < ?",
        }
    }
}

impl<T, C: FromStr> Page<T, C> {
    /// Rows to read for a page of this many: one more, which says whether there is another page.
    pub(crate) fn to_read(limit: u32) -> i64 {
        i64::from(limit) + 1
    }

    /// The page of what was read. Its cursor may be of a row that cannot be read whole.
    pub(crate) fn cut(mut items: Vec<Result<T, RowError>>, limit: u32, id: impl Fn(&T) -> C) -> Self {
        let limit = limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.iter().rev().find_map(|item| match item {
            Ok(row) => Some(id(row)),
            Err(error) => error.key.as_deref()?.parse().ok(),
        });
        Self { next: last.filter(|_| more), items }
    }
}
