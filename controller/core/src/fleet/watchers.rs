//! Who waits for which agents, found from both ends.

use pulse_protocol::{AgentName, ExecutionId};
use std::collections::{BTreeMap, BTreeSet};

/// Who waits for which agents.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    by_agent: BTreeMap<AgentName, BTreeSet<ExecutionId>>,
    by_execution: BTreeMap<ExecutionId, BTreeSet<AgentName>>,
}

impl Watchers {
    /// Replaces what the execution waited for before.
    pub(super) fn replace(&mut self, execution: ExecutionId, agents: &BTreeSet<AgentName>) {
        let before = match agents.is_empty() {
            true => self.by_execution.remove(&execution),
            false => self.by_execution.insert(execution, agents.clone()),
        };
        for name in before.into_iter().flatten().filter(|name| !agents.contains(name)) {
            if let Some(watchers) = self.by_agent.get_mut(&name) {
                watchers.remove(&execution);
            }
        }
        for name in agents {
            self.by_agent.entry(name.clone()).or_default().insert(execution);
        }
    }

    /// The oldest first: ids are UUIDv7.
    pub(super) fn of(&self, agent: &AgentName, limit: usize) -> Vec<ExecutionId> {
        self.by_agent.get(agent).map(|ids| ids.iter().take(limit).copied().collect()).unwrap_or_default()
    }
}
