//! What is known and shown of an agent.

use super::Fleet;
use crate::decide::{AgentView, OFFLINE_AFTER, Presence};
use crate::pause::Pause;
use crate::time::Timestamp;
use pulse_protocol::message::Vitals;
use pulse_protocol::{AgentName, AttemptId, BootId, ExecutionId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Without a heartbeat for so long an agent is shown as stale.
const STALE_AFTER: crd_schemas::Duration = crd_schemas::Duration::from_secs(20);

/// What the database keeps of an agent.
#[derive(Debug, Clone, Default)]
pub struct Enrolled {
    /// Labels that its token gave it, and what it says of itself under `self/`: see [`Enrolled::labels`].
    pub labels: Arc<BTreeMap<String, String>>,
    /// Facts.
    pub facts: Arc<BTreeMap<String, String>>,
    /// Slots it says it has.
    pub slots: u32,
    /// Its release.
    pub release: String,
    /// The boot of its host in its last session.
    pub boot: Option<BootId>,
    /// When it enrolled.
    pub enrolled_at: Timestamp,
}

impl Enrolled {
    /// The labels of an agent that no manifest declares.
    pub fn labels(of_itself: BTreeMap<String, String>, of_its_token: BTreeMap<String, String>) -> Arc<BTreeMap<String, String>> {
        let labels = of_itself.into_iter().map(|(key, value)| (format!("self/{key}"), value));
        Arc::new(labels.chain(of_its_token).collect())
    }
}

/// What an `Agent` manifest declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Values for `{{ agent.vars.… }}`.
    pub vars: BTreeMap<String, String>,
    /// Slots.
    pub slots: Option<u32>,
}

/// How many agents there are, of which state, and what they do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// How many are in each state.
    pub agents: BTreeMap<AgentState, u64>,
    /// Slots of those that are online.
    pub slots: u64,
    /// How many of these are taken.
    pub slots_taken: u64,
    /// Attempts that may be running, or of which nobody knows, on all of them.
    pub attempts: usize,
}

/// An agent's state, as people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentState {
    /// Heartbeats arrive.
    Online,
    /// None for 20 s.
    Stale,
    /// None for 30 s.
    Offline,
    /// It gets no work.
    Quarantined,
    /// It must not come back.
    Revoked,
}

impl AgentState {
    /// Each of them.
    pub const ALL: [Self; 5] = [Self::Online, Self::Stale, Self::Offline, Self::Quarantined, Self::Revoked];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Stale => "stale",
            Self::Offline => "offline",
            Self::Quarantined => "quarantined",
            Self::Revoked => "revoked",
        }
    }
}

impl AgentStatus {
    /// It is cordoned, and nothing of which it might still be running is left.
    pub fn is_drained(&self) -> bool {
        self.cordon.is_some() && self.open.is_empty()
    }
}

/// Everything people are shown of an agent.
#[derive(Debug, Clone)]
pub struct AgentStatus {
    /// Its name.
    pub name: AgentName,
    /// Its state.
    pub state: AgentState,
    /// Why it is quarantined.
    pub reason: Option<String>,
    /// The pause that holds this agent alone, if one does: it is cordoned.
    pub cordon: Option<Pause>,
    /// Labels, those it gives itself under `self/`.
    pub labels: Arc<BTreeMap<String, String>>,
    /// Declared vars.
    pub vars: BTreeMap<String, String>,
    /// Facts.
    pub facts: Arc<BTreeMap<String, String>>,
    /// Its release.
    pub release: String,
    /// Slots.
    pub slots: u32,
    /// Slots that are taken.
    pub slots_taken: u32,
    /// Attempts that are not over.
    pub open: Vec<(AttemptId, ExecutionId)>,
    /// Load, memory.
    pub vitals: Vitals,
    /// Last word of it.
    pub last_seen: Timestamp,
    /// When it enrolled.
    pub enrolled_at: Timestamp,
}

impl<S: Clone> Fleet<S> {
    /// Agents that are in another state than when this was last asked, and in which.
    pub fn changed_states(&mut self, now: Timestamp) -> Vec<(AgentName, AgentState)> {
        let changed = self.agents.iter_mut().filter_map(|(name, agent)| {
            let state = state_of(&agent.view, now);
            (agent.told.replace(state) != Some(state)).then(|| (name.clone(), state))
        });
        changed.collect()
    }

    /// The enrolled agents, counted.
    pub fn census(&self, now: Timestamp) -> Census {
        let mut census = Census { attempts: self.open.values().map(BTreeMap::len).sum(), ..Census::default() };
        for view in self.agents.values().map(|agent| &agent.view) {
            let state = state_of(view, now);
            *census.agents.entry(state).or_default() += 1;
            if state == AgentState::Online {
                census.slots += u64::from(view.slots);
                census.slots_taken += view.taken.len() as u64;
            }
        }
        census
    }

    /// Everything people are shown of an agent.
    pub fn status(&self, name: &AgentName, now: Timestamp) -> Option<AgentStatus> {
        let agent = self.agents.get(name)?;
        let view = &agent.view;
        let state = state_of(view, now);
        let reason = match &view.presence {
            Presence::Quarantined(reason) => Some(reason.clone()),
            _ => None,
        };
        Some(AgentStatus {
            name: name.clone(),
            state,
            reason,
            cordon: self.pauses.iter().find(|pause| pause.is_active(now) && pause.is_cordon_of(name)).cloned(),
            labels: Arc::clone(&view.value.labels),
            vars: view.value.vars.clone(),
            facts: Arc::clone(&view.value.facts),
            release: agent.enrolled.release.clone(),
            slots: view.slots,
            slots_taken: u32::try_from(view.taken.len()).unwrap_or(u32::MAX),
            open: self.open_of(name),
            vitals: agent.vitals.clone(),
            last_seen: view.last_seen,
            enrolled_at: agent.enrolled.enrolled_at,
        })
    }
}

fn state_of(view: &AgentView, now: Timestamp) -> AgentState {
    let silence = now.since(view.last_seen);
    match &view.presence {
        Presence::Revoked => AgentState::Revoked,
        Presence::Quarantined(_) => AgentState::Quarantined,
        _ if silence >= OFFLINE_AFTER => AgentState::Offline,
        Presence::Connected(_) if silence < STALE_AFTER => AgentState::Online,
        _ => AgentState::Stale,
    }
}
