//! The generic loop, kube-shaped: keys, never changes; deduplicated, delayed, never two equal keys at once, a bound on how many
//! run side by side, one error policy. What a key means is the reconciler's business.

mod queue;
mod runner;

pub use queue::Queue;
pub use runner::{Next, run};
