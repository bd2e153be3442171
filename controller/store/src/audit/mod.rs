//! The audit log as rows: written with what they are about or beside it, sealed into one chain of hashes, read and verified.
//!
//! ```text
//! batch of the writer ─┐
//! apply of a commit  ──┤─▶ row (no number yet) ─▶ seal: number, hash before, hash ─▶ list, export, verify
//! AuditWrite         ──┘
//! ```
//!
//! A row has no number before it is sealed, because what commits first is not always what was asked for first: so numbers have no
//! gaps, and no request that takes its time holds the chain up.

mod read;
mod row;
mod seal;
mod write;

pub use read::{AuditFilter, AuditRow};
pub use seal::SealedTo;
pub use write::AuditWrite;

pub(crate) use row::{CONTENT, check};
pub(crate) use write::{insert, statements};
