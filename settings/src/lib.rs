//! What the programs can be told, and how: one table for each program; of it come the flags, the names of the environment, the keys of
//! the file, `--help`, docs/settings.md, and what `settings` prints. What a value means is the program's.
//!
//! ```text
//! table ─┬─▶ flags ────────┐
//!        ├─▶ environment ──┼─▶ layers (flags over environment over file over default) ─▶ the program ─▶ checked settings
//!        └─▶ file ─────────┘           └─▶ effective: every value with its origin, secrets left out
//! ```
//!
//! No clock, no process: the environment comes in as an argument.

mod changes;
mod effective;
mod environment;
mod error;
mod file;
mod flags;
mod layers;
mod manual;
mod near;
mod place;
mod program;
mod setting;
mod tables;

pub use changes::{Change, changes};
pub use effective::{Effective, json, table};
pub use environment::Environment;
pub use error::Errors;
pub use flags::{Flag, Flags, Part};
pub use layers::{Given, Layers};
pub use manual::manual;
pub use place::Place;
pub use program::Program;
pub use setting::{Kind, Reload, Setting, Unless};
pub use tables::{AGENT, CLI, CONTROLLER};
