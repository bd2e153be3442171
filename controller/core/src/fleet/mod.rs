//! The agents as the controller sees them now: sessions, presence, slots, open attempts, and who waits for whom. Hot state:
//! all of it can be built again from the database and the agents' own pictures. How a session is reached is the caller's: here
//! it is only kept, and whose word is that of an older session is decided.

mod sessions;
mod status;
#[cfg(test)]
mod tests;
mod turns;
mod watchers;
mod work;

pub use status::{AgentState, AgentStatus, Census, Declared, Enrolled};
pub use work::{Followed, leaves_memory, slot_of_row, unsent};

use crate::decide::{AgentView, Ahead, Presence, World};
use crate::elapsed::Span;
use crate::execution::ClaimKey;
use crate::pause::Pause;
use crate::selector::{Agents, KnownAgent};
use crate::time::Timestamp;
use crate::values::AgentValue;
use pulse_protocol::message::Vitals;
use pulse_protocol::{AgentName, AttemptId, Epoch, ExecutionId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use turns::{Turn, Turns};
use watchers::Watchers;

/// Executions woken for each freed slot: the first may have changed its mind, the periodic scan finds the others.
const WOKEN_PER_SLOT: usize = 16;

/// The agents. Decisions look at them as a [`World`]; `S` is what reaches a session.
#[derive(Debug)]
pub struct Fleet<S> {
    /// Boxed: the nodes of a tree are half empty as a rule.
    agents: BTreeMap<AgentName, Box<Agent<S>>>,
    declared: BTreeMap<AgentName, Declared>,
    open: BTreeMap<AgentName, BTreeMap<AttemptId, ExecutionId>>,
    /// Who holds each slot that is taken.
    owners: BTreeMap<(AgentName, u32), ExecutionId>,
    presence: Watchers,
    slots: Watchers,
    turns: Turns,
    pauses: Vec<Pause>,
    absences: Vec<Span>,
}

/// What the fleet knows of an enrolled agent.
#[derive(Debug, Clone)]
struct Agent<S> {
    /// What decisions need.
    view: AgentView,
    enrolled: Enrolled,
    session: Option<Session<S>>,
    vitals: Vitals,
    sequence: u64,
    /// The state that listeners were told.
    told: Option<AgentState>,
}

impl<S> Agent<S> {
    fn is_in_session(&self, epoch: Epoch) -> bool {
        self.session.as_ref().is_some_and(|session| session.epoch == epoch)
    }
}

/// What was let go of: look at who waits for it.
#[derive(Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Freed {
    /// Agents with a free slot.
    pub agents: BTreeSet<AgentName>,
    /// Executions whose turn it may be.
    pub next: BTreeSet<ExecutionId>,
}

#[derive(Debug, Clone)]
struct Session<S> {
    epoch: Epoch,
    outbox: S,
}

/// Word of an agent. That of an older session than its newest says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// The agent.
    pub name: AgentName,
    /// The session's epoch.
    pub epoch: Epoch,
    /// The journal's last sequence that it reported.
    pub sequence: u64,
}

impl<S> Default for Fleet<S> {
    fn default() -> Self {
        Self {
            agents: BTreeMap::new(),
            declared: BTreeMap::new(),
            open: BTreeMap::new(),
            owners: BTreeMap::new(),
            presence: Watchers::default(),
            slots: Watchers::default(),
            turns: Turns::default(),
            pauses: Vec::new(),
            absences: Vec::new(),
        }
    }
}

impl<S> World for Fleet<S> {
    fn agent(&self, name: &AgentName) -> Option<&AgentView> {
        self.agents.get(name).map(|agent| &agent.view)
    }
    fn pauses(&self) -> &[Pause] {
        &self.pauses
    }
    fn absences(&self) -> &[Span] {
        &self.absences
    }
    fn ahead(&self, right: &ClaimKey, execution: ExecutionId) -> Option<Ahead> {
        self.turns.ahead(right, execution)
    }
}

impl<S: Clone> Fleet<S> {
    /// Takes in what the database knows of an agent. `seen` is the controller's start where that is later than its last word.
    pub fn enrol(&mut self, name: &AgentName, enrolled: Enrolled, revoked: bool, seen: Timestamp) {
        let presence = if revoked { Presence::Revoked } else { Presence::Disconnected };
        let before = self.agents.remove(name).map(|agent| (agent.view.taken, agent.told));
        let (taken, told) = before.unwrap_or_default();
        let (slots, value) = describe(name, &enrolled, self.declared.get(name));
        let view = AgentView { presence, last_seen: seen, boot: enrolled.boot, slots, taken, value };
        let agent = Agent { view, enrolled, session: None, vitals: Vitals::default(), sequence: 0, told };
        self.agents.insert(name.clone(), Box::new(agent));
    }

    /// Takes in what manifests declare of these agents now; `None` where nothing is declared any more.
    pub fn declare(&mut self, changes: BTreeMap<AgentName, Option<Declared>>) {
        for (name, declared) in changes {
            match declared {
                Some(declared) => drop(self.declared.insert(name.clone(), declared)),
                None => drop(self.declared.remove(&name)),
            }
            if let Some(agent) = self.agents.get_mut(&name) {
                (agent.view.slots, agent.view.value) = describe(&name, &agent.enrolled, self.declared.get(&name));
            }
        }
    }

    /// The execution of an agent's open attempt.
    pub fn execution_of(&self, agent: &AgentName, attempt: AttemptId) -> Option<ExecutionId> {
        self.open.get(agent)?.get(&attempt).copied()
    }

    /// What people call an execution that has or wants a right, and its number, which is its rank in the queue.
    pub fn name(&mut self, execution: ExecutionId, name: String, number: i64) {
        self.turns.name(execution, name, number);
    }

    /// A free place in the queue for a right, if fewer than `most` wait for it.
    pub fn free_place(&self, right: &ClaimKey, most: u32) -> Option<u32> {
        self.turns.free_place(right, most)
    }

    /// Takes in a row of claims that is no slot; says whether it was one.
    pub fn believe_turn(&mut self, key: &str, execution: ExecutionId) -> bool {
        let turn = Turn::parse(key);
        turn.map(|turn| self.turns.believe(execution, turn)).is_some()
    }

    /// Executions that may be next in their queues, as nobody is believed to hold the right.
    pub fn queue_heads(&self) -> Vec<ExecutionId> {
        self.turns.heads()
    }

    /// Lets go of such a row; answers who may be next.
    pub fn free_turn(&mut self, key: &str, execution: ExecutionId) -> Option<ExecutionId> {
        self.turns.free(execution, &Turn::parse(key)?)
    }

    /// The pauses that are known from now on; each says until when it holds.
    pub fn set_pauses(&mut self, pauses: Vec<Pause>) {
        self.pauses = pauses;
    }

    /// Executions to look at when these pauses come or go, because they watch an agent that one of them holds.
    pub fn pause_watchers(&self, pauses: &[Pause]) -> BTreeSet<ExecutionId> {
        let is_held =
            |name: &AgentName, view: &AgentView| pauses.iter().any(|pause| pause.holds_agent(name.as_str(), &view.value.labels));
        let held = self.views().filter(|(name, view)| is_held(name, view));
        held.flat_map(|(name, _)| self.presence_watchers(name)).collect()
    }

    /// The time in which no controller ran.
    pub fn set_absences(&mut self, absences: Vec<Span>) {
        self.absences = absences;
    }

    /// One more of them.
    pub fn add_absence(&mut self, span: Span) {
        self.absences.push(span);
    }

    /// Takes slots and turns in memory, before their rows are committed.
    pub fn take(&mut self, execution: ExecutionId, claims: &[ClaimKey]) {
        for turn in claims.iter().filter_map(Turn::of) {
            self.turns.take(execution, turn);
        }
        self.take_slots(execution, claims);
    }

    /// Takes in what an execution's committed state says it holds.
    pub fn believe(&mut self, execution: ExecutionId, claims: &[ClaimKey]) {
        for turn in claims.iter().filter_map(Turn::of) {
            self.turns.believe(execution, turn);
        }
        self.take_slots(execution, claims);
    }

    fn take_slots(&mut self, execution: ExecutionId, claims: &[ClaimKey]) {
        for (agent, slot) in claims.iter().filter_map(slot_of) {
            if let Some(known) = self.agents.get_mut(agent) {
                known.view.taken.insert(slot);
                self.owners.insert((agent.clone(), slot), execution);
            }
        }
    }

    /// Frees slots and turns, if this execution has them; answers whose.
    pub fn free(&mut self, execution: ExecutionId, claims: &[ClaimKey]) -> Freed {
        let next = claims.iter().filter_map(Turn::of).filter_map(|turn| self.turns.free(execution, &turn)).collect();
        Freed { next, agents: self.free_slots(execution, claims) }
    }

    fn free_slots(&mut self, execution: ExecutionId, claims: &[ClaimKey]) -> BTreeSet<AgentName> {
        let mut freed = BTreeSet::new();
        for (agent, slot) in claims.iter().filter_map(slot_of) {
            let key = (agent.clone(), slot);
            if self.owners.get(&key) == Some(&execution) {
                self.owners.remove(&key);
                if let Some(known) = self.agents.get_mut(agent) {
                    known.view.taken.remove(&slot);
                }
                freed.insert(agent.clone());
            }
        }
        freed
    }

    /// Forgets everything that an execution was believed to hold; its committed state says what it does hold.
    pub fn disown(&mut self, execution: ExecutionId) -> Freed {
        let held = self.owners.iter().filter(|(_, owner)| **owner == execution);
        let held: Vec<ClaimKey> = held.map(|((agent, slot), _)| ClaimKey::Slot { agent: agent.clone(), slot: *slot }).collect();
        for open in self.open.values_mut() {
            open.retain(|_, owner| *owner != execution);
        }
        Freed { next: self.turns.disown(execution), agents: self.free_slots(execution, &held) }
    }

    /// The silence until now was not the agents' own: the database was away, or this process stood still.
    pub fn forgive_silence(&mut self, now: Timestamp) {
        for agent in self.agents.values_mut() {
            agent.view.last_seen = agent.view.last_seen.max(now);
        }
    }

    /// An attempt is bound to an agent and not over.
    pub fn open_attempt(&mut self, agent: &AgentName, attempt: AttemptId, execution: ExecutionId) {
        self.open.entry(agent.clone()).or_default().insert(attempt, execution);
    }

    /// An attempt is over.
    pub fn close_attempts(&mut self, attempts: &[(AgentName, AttemptId)]) {
        for (agent, attempt) in attempts {
            if let Some(open) = self.open.get_mut(agent) {
                open.remove(attempt);
            }
        }
    }

    /// The agent's attempts that are not over.
    pub fn open_of(&self, agent: &AgentName) -> Vec<(AttemptId, ExecutionId)> {
        self.open.get(agent).map(|open| open.iter().map(|(attempt, id)| (*attempt, *id)).collect()).unwrap_or_default()
    }

    /// Says for which agents' coming and going, and for which agents' slots, an execution waits; replaces what it said before.
    pub fn watch(&mut self, execution: ExecutionId, presence: &BTreeSet<AgentName>, slots: &BTreeSet<AgentName>) {
        self.presence.replace(execution, presence);
        self.slots.replace(execution, slots);
    }

    /// Executions to look at when this agent came or went.
    pub fn presence_watchers(&self, agent: &AgentName) -> Vec<ExecutionId> {
        self.presence.of(agent, usize::MAX)
    }

    /// Executions to look at when a slot of this agent was freed, the oldest first.
    pub fn slot_watchers(&self, agent: &AgentName) -> Vec<ExecutionId> {
        self.slots.of(agent, WOKEN_PER_SLOT)
    }

    /// Every enrolled agent by name.
    pub fn names(&self) -> impl Iterator<Item = &AgentName> {
        self.agents.keys()
    }

    /// Every agent as decisions see it.
    pub fn views(&self) -> impl Iterator<Item = (&AgentName, &AgentView)> {
        self.agents.iter().map(|(name, agent)| (name, &agent.view))
    }
}

/// The slots of an agent, and what is known of it, by what the database and manifests say.
fn describe(name: &AgentName, enrolled: &Enrolled, declared: Option<&Declared>) -> (u32, AgentValue) {
    let (name, facts) = (name.to_string(), Arc::clone(&enrolled.facts));
    let Some(declared) = declared else {
        let value = AgentValue { name, labels: Arc::clone(&enrolled.labels), vars: BTreeMap::new(), facts };
        return (enrolled.slots, value);
    };
    let mut labels = (*enrolled.labels).clone();
    labels.extend(declared.labels.clone());
    let value = AgentValue { name, labels: Arc::new(labels), vars: declared.vars.clone(), facts };
    (declared.slots.unwrap_or(enrolled.slots), value)
}

fn slot_of(claim: &ClaimKey) -> Option<(&AgentName, u32)> {
    match claim {
        ClaimKey::Slot { agent, slot } => Some((agent, *slot)),
        ClaimKey::Workflow { .. } | ClaimKey::Place { .. } => None,
    }
}

impl<S: Clone> Agents for Fleet<S> {
    fn find(&self, name: &AgentName) -> Option<KnownAgent<'_>> {
        self.agents.get_key_value(name).map(|(name, agent)| known((name, &agent.view)))
    }
    fn all(&self) -> impl Iterator<Item = KnownAgent<'_>> {
        self.views().map(known)
    }
}

fn known<'a>((name, view): (&'a AgentName, &'a AgentView)) -> KnownAgent<'a> {
    KnownAgent { name, labels: &view.value.labels, revoked: view.presence == Presence::Revoked }
}
