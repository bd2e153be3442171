//! What controller and agent say to each other: ids, versions, messages, frames.
//!
//! The protocol is level-triggered, as a kubelet's is: on every connection both sides exchange their full picture (the
//! controller its desired [`Assignment`]s, the agent its [`Observation`]s) and converge. Every later message is only a
//! quicker way to the same state, so a lost, late, doubled or reordered one changes nothing.
//!
//! No I/O lives here, and no decision: only data and its bounds.

pub mod failpoint;
pub mod files;
pub mod frame;
pub mod ids;
pub mod message;
pub mod observation;
pub mod picture;
pub mod planted;
pub mod token;
pub mod version;

pub use files::{ScriptFile, WorkFile};
pub use ids::{AgentName, AttemptId, BootId, Epoch, ExecutionId, Incarnation, PromptId};
pub use message::{ToAgent, ToController};
pub use observation::{Ended, Observation, Observed, OutputTotals};
pub use picture::{Assignment, CommandSpec, Desired};
