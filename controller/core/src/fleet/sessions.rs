//! Sessions of agents: which one counts, what is heard in it, and what that says of the agent.

use super::{Agent, Fleet, Heartbeat, Session};
use crate::decide::Presence;
use crate::session::{self, Word};
use crate::time::Timestamp;
use pulse_protocol::message::Vitals;
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{AgentName, Epoch, Incarnation, Observation};

impl<S: Clone> Fleet<S> {
    /// A session passed its handshake; it gets no work before [`Fleet::connected`].
    pub fn open_session(&mut self, name: &AgentName, epoch: Epoch, outbox: S, now: Timestamp) {
        let Some(agent) = self.agents.get_mut(name) else { return };
        if agent.session.as_ref().is_some_and(|held| held.epoch > epoch) {
            return;
        }
        agent.session = Some(Session { epoch, outbox });
        (agent.view.presence, agent.view.last_seen) = (Presence::Disconnected, now);
    }

    /// The session's full picture is taken in and committed: from now on it gets work.
    pub fn connected(&mut self, name: &AgentName, epoch: Epoch, incarnation: Incarnation) {
        if let Some(agent) = self.in_session(name, epoch) {
            agent.view.presence = Presence::Connected(incarnation);
        }
    }

    /// The session is over.
    pub fn close_session(&mut self, name: &AgentName, epoch: Epoch) {
        let Some(agent) = self.in_session(name, epoch) else { return };
        agent.session = None;
        if matches!(agent.view.presence, Presence::Connected(_)) {
            agent.view.presence = Presence::Disconnected;
        }
    }

    /// Is this the agent's present session?
    pub fn is_current(&self, name: &AgentName, epoch: Epoch) -> bool {
        self.agents.get(name).is_some_and(|agent| agent.is_in_session(epoch))
    }

    fn in_session(&mut self, name: &AgentName, epoch: Epoch) -> Option<&mut Agent<S>> {
        self.agents.get_mut(name).map(Box::as_mut).filter(|agent| agent.is_in_session(epoch))
    }

    /// Does the agent have a session, and how is it reached?
    pub fn session_of(&self, name: &AgentName) -> Option<(Epoch, S)> {
        let session = self.agents.get(name)?.session.as_ref()?;
        Some((session.epoch, session.outbox.clone()))
    }

    /// The agent gets no work any more, with the reason people see.
    pub fn quarantine(&mut self, name: &AgentName, reason: String) {
        if let Some(agent) = self.agents.get_mut(name) {
            agent.view.presence = Presence::Quarantined(reason);
        }
    }

    /// The agent must not come back.
    pub fn revoke(&mut self, name: &AgentName) {
        if let Some(agent) = self.agents.get_mut(name) {
            agent.view.presence = Presence::Revoked;
            agent.session = None;
        }
    }

    /// A heartbeat.
    pub fn beat(&mut self, name: &AgentName, epoch: Epoch, vitals: Vitals, now: Timestamp) {
        self.note(name, epoch, now, |agent| agent.vitals = vitals);
    }

    /// A report: as good as a heartbeat, and it says how far the journal is.
    pub fn heard(&mut self, name: &AgentName, epoch: Epoch, sequence: u64, now: Timestamp) {
        self.note(name, epoch, now, |agent| agent.sequence = agent.sequence.max(sequence));
    }

    /// What an agent says in its present session is noted, and that it was heard.
    fn note(&mut self, name: &AgentName, epoch: Epoch, now: Timestamp, note: impl FnOnce(&mut Agent<S>)) {
        if let Some(agent) = self.in_session(name, epoch) {
            note(agent);
            agent.view.last_seen = now;
        }
    }

    /// Sorts what a session reports. Of one that is not the present one any more it is old, and says nothing.
    pub fn sort(&self, agent: &AgentName, epoch: Epoch, incarnation: Incarnation, said: Vec<Observation>, full: bool) -> Word {
        if !self.is_current(agent, epoch) && !planted::is(Bug::StaleEpoch) {
            return Word::default();
        }
        session::sort(agent, incarnation, self.open_of(agent), said, full)
    }

    /// How far an agent's journal was when it was last heard of, by this process.
    pub fn sequence_of(&self, name: &AgentName) -> u64 {
        self.agents.get(name).map_or(0, |agent| agent.sequence)
    }

    /// What was heard of agents with a session, for the database.
    pub fn heartbeats(&self) -> Vec<Heartbeat> {
        let heard = self.agents.iter().filter_map(|(name, agent)| {
            let epoch = agent.session.as_ref()?.epoch;
            Some(Heartbeat { name: name.clone(), epoch, sequence: agent.sequence })
        });
        heard.collect()
    }
}
