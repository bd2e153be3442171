//! `pulse-agent`: runs assigned commands at most once and reports what it observes. A library only so that the program's parts can
//! be played with in a simulation; nobody else should build on it.
//!
//! ```text
//! connection ── events ──▶ worker ── owns ──▶ session (pure) · journal
//!     ▲                      │ starts, adopts, stops
//!     └── outbox ◀───────────┤
//!         (states, output)   ▼
//!                          host · runner ──▶ shim (this binary again, one per attempt) ──▶ the command
//! ```

mod acts;
pub mod budget;
pub mod config;
pub mod connection;
pub mod folder;
mod followers;
pub mod host;
pub mod identity;
pub mod journal;
mod leftovers;
pub mod logging;
pub mod outbox;
pub mod output;
mod picture;
pub mod record;
pub mod recovery;
pub mod reload;
mod removal;
pub mod runner;
pub mod session;
pub mod shim;
pub mod spare;
pub mod spool;
pub mod trust;
pub mod users;
mod vitals;
pub mod wire;
pub mod worker;
