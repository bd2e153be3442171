//! What a pause holds of what is live, so that a brake on nothing is seen.

use super::Engine;
use pulse_core::pause::Pause;
use pulse_core::selector::Agents;

/// Live objects that a pause holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Workflows, of every source.
    pub workflows: usize,
    /// Schedules, of every source.
    pub schedules: usize,
    /// Agents that are enrolled and not revoked, whether or not they are connected.
    pub agents: usize,
}

impl Engine {
    /// What a pause holds now.
    pub fn held_by(&self, pause: &Pause) -> Held {
        let live = self.live();
        let workflows = live.workflows.values().flatten().map(|workflow| &workflow.manifest.metadata);
        let schedules = live.schedules.values().map(|schedule| &schedule.manifest.metadata);
        let fleet = self.inner.fleet.lock();
        let agents = fleet.all().filter(|agent| !agent.revoked);
        Held {
            workflows: workflows.filter(|one| pause.holds_workflow(&one.name, &one.labels, None)).count(),
            schedules: schedules.filter(|one| pause.holds_schedule(&one.name, &one.labels)).count(),
            agents: agents.filter(|agent| pause.holds_agent(agent.name.as_str(), agent.labels)).count(),
        }
    }
}
