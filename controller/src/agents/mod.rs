//! Agents' side of the controller: who they are (handshake), that they are there (fleet), what they say (ingest), what they
//! shall do (desired).

mod desired;
mod fleet;
mod handshake;
mod ingest;
mod output;
pub mod session;
pub mod token;

pub use fleet::{AgentState, AgentStatus, Declared, Enrolled, FleetHandle, FleetState, Freed};
