//! The controller: wiring and effects around the core. Decisions are in `pulse-core`, SQL is in `pulse-store`.

pub mod agents;
pub mod clock;
pub mod config;
pub mod engine;
pub mod reconcile;
pub mod source;
pub mod sync;
pub mod telemetry;
