//! The audit log at work: what a request may leave in it, who writes that, who seals it.
//!
//! ```text
//! request ─▶ Ticket ─┬─ accepted by the engine: Handed ─▶ row in the batch of its commit
//!                    ├─ other mutations: `begun`, before anything is done ─▶ their end
//!                    └─ refused, unchanged, failed ─▶ a row beside                         ─▶ Sealer ─▶ chain
//! ```

mod log;
mod own;
mod sealer;
mod strangers;
#[cfg(test)]
mod tests;
mod ticket;

pub use log::Audit;
pub use ticket::{Handed, Ticket};

pub(crate) use own::own;
pub(crate) use sealer::{Sealer, take_over};
pub(crate) use ticket::fresh;
