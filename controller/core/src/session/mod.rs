//! An agent's session, as decisions: may it begin, which executions its word goes to, what is acknowledged, what it is told, how
//! fast it may speak. The sockets, the database and the waiting are the controller's.

mod begin;
mod crowd;
mod pace;
mod picture;
mod word;

pub use begin::{Barred, Coming, Known, may_begin};
pub use crowd::{ABREAST, Crowd, MOST};
pub use pace::{EACH_SECOND, Pace};
pub use picture::messages;
pub use word::{Acknowledged, StoredAttempt, Word, is_taken_in, settled, sort};
