//! Every decision of PULSE, as pure functions over data. No runtime, no database, no web, no Git, no clock, no randomness:
//! time and ids are arguments, effects are data.
//!
//! ```text
//! manifests ─▶ definitions (validated set, compiled programs) ─▶ plan (diff against what is live)
//! an agent's session ─▶ session (may it come in, what does its word settle) ─▶ inputs, acknowledgements
//! inputs ─▶ execution::admit ─▶ events ─▶ fold ─▶ decide ─▶ events, claims, effects, wake_at, report ─▶ fleet (hot state)
//! ```

pub mod access;
pub mod audit;
pub mod decide;
pub mod definitions;
pub mod elapsed;
pub mod execution;
pub mod expression;
pub mod fleet;
pub mod output;
pub mod pattern;
pub mod pause;
pub mod plan;
pub mod rate;
pub mod retention;
pub mod schedule;
pub mod selector;
pub mod session;
pub mod source_status;
pub mod template;
pub mod time;
pub mod trace;
pub mod transition;
pub mod until;
pub mod values;

pub use time::Timestamp;
