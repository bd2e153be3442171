//! The whole database, out and in again, in one form for every engine: so a backup of one can be restored on the other.
//!
//! ```text
//! Dump: one moment of a database, while a controller may run ─▶ tables, rows ─▶ a file, which is no matter of this room
//! Restore: mark ─▶ drop what was there ─▶ the backup's schema ─▶ rows ─▶ this release's schema ─▶ hold everything ─▶ unmark
//! ```
//!
//! A database with the mark is half a database. No controller opens it; another restore begins anew.

mod dump;
mod finish;
mod load;
mod mark;

pub use dump::Dump;
pub use finish::{Finished, Taken as BackupTaken};
pub use load::Restore;

pub(crate) use mark::refuse_half_restored;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Int,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// None.
    Null,
    /// A whole number.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Cell {
    /// Its size, more or less.
    fn size(&self) -> usize {
        match self {
            Self::Null | Self::Int(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// What a backup is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A table begins.
    Table {
        /// Its name.
        name: String,
        /// Its columns, in the order of the cells.
        columns: Vec<Column>,
    },
    /// A row of it.
    Row(Vec<Cell>),
}

/// Tables of which nothing is taken along: who holds the leases is of the living only, and nobody shall come in by the session of a browser that
/// has ended since.
const LEFT_OUT: [&str; 2] = ["leases", "browser_sessions"];
