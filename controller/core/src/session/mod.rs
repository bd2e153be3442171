//! An agent's session, as decisions: may it begin, which executions its word goes to, what is acknowledged, what it is told. The
//! sockets, the database and the waiting are the controller's.

mod begin;
mod crowd;
mod picture;
mod word;

pub use begin::{Barred, Coming, Known, may_begin};
pub use crowd::{ABREAST, Crowd, MOST};
pub use picture::messages;
pub use word::{Acknowledged, StoredAttempt, Word, is_taken_in, settled, sort};
