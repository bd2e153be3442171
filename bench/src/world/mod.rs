//! What is measured: the release binaries as processes of their own, each with a private folder, and their database.

mod agents;
mod controller;
mod database;
mod manifests;
mod process;

pub use agents::{RealAgents, names as real_names};
pub use controller::Controller;
pub use database::{Database, Engine};
pub use manifests::{Manifests, program, shell, start};
pub use process::{Process, beside};
