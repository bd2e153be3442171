//! Agents' side of the controller: who they are (handshake), that they are there (fleet), what they say (ingest), what they
//! shall do (desired).

mod desired;
mod fleet;
mod gate;
mod handshake;
mod ingest;
mod outbox;
mod output;
mod proof;
pub mod session;
pub mod token;

pub use fleet::{FleetHandle, FleetState};
pub use gate::Gate;
use std::sync::Arc;

pub use pulse_core::fleet::{AgentState, AgentStatus, Declared, Enrolled, Freed};

/// What an agent's row says that memory keeps.
pub(crate) fn enrolled(agent: &pulse_store::Agent) -> Enrolled {
    Enrolled {
        labels: Enrolled::labels(agent.labels.clone(), agent.token_labels.clone()),
        facts: Arc::new(agent.facts.clone()),
        slots: agent.slots,
        release: String::new(),
        boot: agent.boot,
        enrolled_at: agent.enrolled_at,
    }
}
