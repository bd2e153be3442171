//! The language users write: typed manifests, problems with positions, JSON Schemas. No I/O.
//!
//! ```text
//! text ─▶ tree (spanned, parsed once) ─▶ manifest (typed) + every Problem ─▶ core: definitions
//! ```

pub mod duration;
pub mod manifest;
pub mod problem;

pub use duration::Duration;
pub use manifest::{Kind, Manifest};
pub use problem::{Problem, Severity};
