//! The audit log as data: what a row says, how each row is tied to the one before, and whether a chain of them still holds. The store
//! writes and seals rows; the controller and, offline, `pulse` walk the chain with the same code.
//!
//! ```text
//! Record ─▶ canonical bytes ─▶ SHA-256(hash of the row before ‖ bytes) = its hash ─▶ Sealed ─▶ Walk ─▶ Fault, or the next Head
//! ```

mod anchor;
mod canonical;
mod link;
mod record;
#[cfg(test)]
mod tests;
mod walk;

pub use anchor::{ANCHOR, Anchor};
pub use canonical::digest;
pub use link::{Head, Link};
pub use record::{MAX_DETAILS, Object, Outcome, Record, Sealed, Who};
pub use walk::{Fault, Flaw, Walk};
