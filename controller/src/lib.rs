//! The controller: wiring and effects around the core. Decisions are in `pulse-core`, SQL is in `pulse-store`.

pub mod admin;
pub mod agents;
pub mod api;
pub mod audit;
pub mod backup;
pub mod break_glass;
pub mod clock;
pub mod command;
pub mod config;
pub mod dashboard;
pub mod dev;
pub mod engine;
pub mod feed;
pub mod identity;
pub mod keep;
pub mod metrics;
pub mod reconcile;
pub mod schedules;
pub mod serve;
pub mod signals;
pub mod source;
pub mod sync;
pub mod telemetry;
pub mod tls;
pub mod traces;
pub mod webhook;
