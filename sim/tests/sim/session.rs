//! The controller's end of agents' sessions: handshake, reports, pictures.

use crate::controller::{Controller, Teller, send};
use crate::net::Link;
use crate::shared::Shared;
use pulse_core::decide::desired;
use pulse_core::execution::Outcome;
use pulse_core::fleet::Enrolled;
use pulse_core::session::{Acknowledged, Barred, Coming, is_taken_in, messages, settled};
use pulse_protocol::frame::decode;
use pulse_protocol::message::{Identify, OutputChunk};
use pulse_protocol::picture::OutputOffsets;
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{AgentName, AttemptId, Epoch, ExecutionId, Incarnation, Observation, ToAgent, ToController};
use std::collections::BTreeMap;

/// A connection that says nothing for so long is dead.
const SILENCE: i64 = 25_000_000;
/// How often the full picture is sent.
const PICTURE: i64 = 60_000_000;

/// Where a connection stands.
pub enum Stage {
    /// Nobody knows who it is.
    Strange,
    /// Its row was read at this epoch; it is about to be let in. Whether it has shown that it lives.
    Admitting(Box<Identify>, Epoch, bool),
    /// It was asked whether it lives.
    Doubted(Box<Identify>, Epoch),
    /// It is let in.
    In { agent: AgentName, epoch: Epoch, incarnation: Incarnation, joined: bool, pictured: i64 },
}

pub struct Session {
    pub stage: Stage,
    heard: i64,
}

/// A report on its way through the inboxes.
pub struct Ingest {
    link: Link,
    agent: AgentName,
    epoch: Epoch,
    waiting: usize,
    ended: Vec<AttemptId>,
    closed: Vec<(AttemptId, bool)>,
    /// The picture with which a session begins: the attempts that it names.
    joins: Option<Vec<AttemptId>>,
}

impl Ingest {
    pub fn hear(&mut self, attempt: AttemptId, is_end: bool, outcome: Option<&Outcome>) {
        self.waiting -= 1;
        if is_end && outcome.is_some_and(is_taken_in) {
            self.ended.push(attempt);
        }
    }
}

impl Controller {
    /// A connection comes.
    pub fn accept(&mut self, s: &Shared, link: Link) {
        self.sessions.insert(link, Session { stage: Stage::Strange, heard: s.now });
    }

    /// What a connection brings: a frame, or its end.
    pub fn hear(&mut self, s: &mut Shared, link: Link, frame: Option<String>) {
        let Some(session) = self.sessions.get_mut(&link) else { return };
        session.heard = s.now;
        let Some(frame) = frame else { return self.close(s, link) };
        let message: ToController = decode(&frame).expect("an honest agent's frame");
        s.say(|| format!("controller {} hears on link {link}: {}", self.id, crate::trace::to_controller(&message)));
        match (&session.stage, message) {
            (Stage::Strange, ToController::Hello { .. }) => {
                send(s, link, &ToAgent::Challenge { version: 1, nonce: String::new() });
            }
            (Stage::Strange, ToController::Identify(identify)) => self.identify(s, link, identify),
            (Stage::In { agent, epoch, incarnation, .. }, message) => {
                let (agent, epoch, incarnation) = (agent.clone(), *epoch, *incarnation);
                self.take(s, link, (&agent, epoch, incarnation), message);
                if !self.fleet.is_current(&agent, epoch) {
                    self.close(s, link);
                }
            }
            (Stage::Doubted(identify, epoch), ToController::Pong { .. }) => {
                session.stage = Stage::Admitting(identify.clone(), *epoch, true);
            }
            // Out of turn, as frames of an unruly network are.
            _ => self.close(s, link),
        }
    }

    fn identify(&mut self, s: &mut Shared, link: Link, identify: Box<Identify>) {
        let name = &identify.name;
        if let Some((epoch, held)) = self.fleet.session_of(name) {
            if self.answers_ping(s, held) {
                s.judge.refused_twin(name);
                return self.refuse(s, link, "duplicate_session");
            }
            self.fleet.close_session(name, epoch);
        }
        let heard = self.fleet.sequence_of(name);
        let row = &s.db.agents[name];
        let epoch = row.epoch;
        if heard > row.sequence {
            s.db.touch(name, epoch, heard);
        }
        let session = self.sessions.get_mut(&link).expect("a session");
        session.stage = Stage::Admitting(identify, epoch, false);
    }

    /// Whether the one who has the session would answer within two seconds.
    fn answers_ping(&self, s: &Shared, link: Link) -> bool {
        let conn = s.net.conns.get(&link);
        conn.is_some_and(|conn| conn.agent_open && conn.controller_open && !conn.up_stalled && !conn.down_stalled)
    }

    fn refuse(&mut self, s: &mut Shared, link: Link, code: &str) {
        let retry_after_ms = Some(1000);
        send(s, link, &ToAgent::Refused { code: code.into(), message: code.into(), retry_after_ms });
        self.close(s, link);
    }

    /// The compare-and-set of those whose row was read.
    pub fn admit(&mut self, s: &mut Shared) -> bool {
        let waits = |session: &Session| matches!(session.stage, Stage::Admitting(..));
        let Some((link, _)) = self.sessions.iter().find(|(_, session)| waits(session)) else { return false };
        let link = *link;
        let session = self.sessions.get_mut(&link).expect("a session");
        let stage = std::mem::replace(&mut session.stage, Stage::Strange);
        let Stage::Admitting(identify, seen_epoch, alive) = stage else { return false };
        let (incarnation, sequence) = (identify.incarnation, identify.sequence);
        let coming = Coming { public_key: "key", seen_epoch, incarnation, sequence, alive };
        let name = identify.name.clone();
        let before = s.db.agents[&name].clone();
        match s.db.begin_session(&name, identify.boot, &coming) {
            Ok(epoch) => {
                s.judge.let_in(&before, &identify);
                self.let_in(s, link, *identify, epoch);
            }
            Err(Barred::Doubtful) => {
                session.stage = Stage::Doubted(identify, seen_epoch);
                send(s, link, &ToAgent::Ping { number: 0 });
            }
            Err(barred) => {
                s.say(|| format!("{name} is barred: {barred:?}"));
                if let Barred::SequenceWentBack { .. } = barred {
                    s.judge.quarantined(&name);
                    self.fleet.quarantine(&name, "sequence".into());
                }
                self.refuse(s, link, "barred");
            }
        }
        true
    }

    fn let_in(&mut self, s: &mut Shared, link: Link, identify: Identify, epoch: Epoch) {
        let (agent, incarnation) = (identify.name, identify.incarnation);
        send(s, link, &ToAgent::Welcome { epoch, heartbeat_ms: 5000, witness_since: None });
        let enrolled = Enrolled { slots: identify.slots, boot: Some(identify.boot), ..Enrolled::default() };
        let wall = self.wall(s);
        self.fleet.enrol(&agent, enrolled, false, wall);
        self.fleet.open_session(&agent, epoch, link, wall);
        let joined = false;
        let stage = Stage::In { agent: agent.clone(), epoch, incarnation, joined, pictured: s.now };
        self.sessions.insert(link, Session { stage, heard: s.now });
        let known = identify.observations.iter().map(|observation| observation.attempt).collect();
        self.ingest(s, link, (&agent, epoch, incarnation), identify.observations, Some(known), true);
    }

    fn ingest(
        &mut self,
        s: &mut Shared,
        link: Link,
        (agent, epoch, incarnation): (&AgentName, Epoch, Incarnation),
        said: Vec<Observation>,
        joins: Option<Vec<AttemptId>>,
        full: bool,
    ) {
        let word = self.fleet.sort(agent, epoch, incarnation, said, full);
        self.tokens += 1;
        let number = self.tokens;
        let (waiting, closed) = (word.inputs.len(), word.closed);
        let mut ended = Vec::new();
        if planted::is(Bug::AcknowledgeBeforeCommit) {
            ended.extend(word.inputs.iter().filter(|(_, _, is_end, _)| *is_end).map(|(_, attempt, ..)| *attempt));
            let early = Acknowledged { ended, ..Acknowledged::default() };
            early.message(epoch).iter().for_each(|message| send(s, link, message));
        }
        let (agent, ended) = (agent.clone(), Vec::new());
        self.ingests.insert(number, Ingest { link, agent, epoch, waiting, ended, closed, joins });
        for (execution, attempt, is_end, input) in word.inputs {
            self.enqueue(execution, input, Teller::Ingest(number, attempt, is_end));
        }
    }

    /// Answers one report whose commits are all there.
    pub fn finish(&mut self, s: &mut Shared) -> bool {
        let Some(number) = self.ingests.iter().find(|(_, ingest)| ingest.waiting == 0).map(|(number, _)| *number) else {
            return false;
        };
        let Ingest { link, agent, epoch, ended, closed, joins, .. } = self.ingests.remove(&number).expect("found");
        let mut said = settled(&agent, &closed, &s.db.stored(closed.iter().map(|(attempt, _)| *attempt)));
        s.judge.orphans(&agent, &said.orphans);
        assert!(said.foreign.is_empty(), "an agent reports another agent's attempt");
        said.ended.splice(..0, ended);
        said.message(epoch).iter().for_each(|message| send(s, link, message));
        if let Some(known) = joins {
            self.join(s, link, &agent, epoch, &known);
        }
        true
    }

    fn join(&mut self, s: &mut Shared, link: Link, agent: &AgentName, epoch: Epoch, known: &[AttemptId]) {
        let output = known.iter().filter_map(|attempt| Some((*attempt, stored(s, *attempt)?))).collect();
        send(s, link, &ToAgent::Acknowledge { epoch, ended: Vec::new(), forget: Vec::new(), output });
        if s.db.agents[agent].epoch != epoch {
            return self.close(s, link);
        }
        let Some(Session { stage: Stage::In { joined, incarnation, .. }, .. }) = self.sessions.get_mut(&link) else { return };
        *joined = true;
        self.fleet.connected(agent, epoch, *incarnation);
        self.send_picture(s, link, agent, epoch);
        let watchers = self.fleet.presence_watchers(agent);
        self.wake(watchers);
    }

    fn send_picture(&self, s: &mut Shared, link: Link, agent: &AgentName, epoch: Epoch) {
        let mut by_execution: BTreeMap<ExecutionId, Vec<AttemptId>> = BTreeMap::new();
        for (attempt, execution) in self.fleet.open_of(agent) {
            by_execution.entry(execution).or_default().push(attempt);
        }
        let mut wanted = Vec::new();
        for (id, attempts) in by_execution {
            let Some(execution) = self.view(s, id) else { continue };
            let now = self.wall(s);
            wanted.extend(attempts.into_iter().filter_map(|attempt| desired(&execution, attempt, &self.fleet, now)));
        }
        messages(wanted, epoch).iter().for_each(|message| send(s, link, message));
    }

    fn take(&mut self, s: &mut Shared, link: Link, who: (&AgentName, Epoch, Incarnation), message: ToController) {
        let (agent, own, _) = who;
        let wall = self.wall(s);
        match message {
            ToController::Report { epoch, observations, full, sequence } if epoch == own || planted::is(Bug::StaleEpoch) => {
                self.fleet.heard(agent, epoch, sequence, wall);
                self.ingest(s, link, who, observations, None, full);
            }
            ToController::Output(chunk) if chunk.epoch == own => self.store(s, link, agent, own, chunk),
            ToController::Heartbeat { epoch, vitals } => self.fleet.beat(agent, epoch, vitals, wall),
            ToController::Report { .. } | ToController::Output(_) | ToController::Pong { .. } => {}
            ToController::Hello { .. } | ToController::Identify(_) => self.close(s, link),
        }
    }

    fn store(&self, s: &mut Shared, link: Link, agent: &AgentName, epoch: Epoch, chunk: OutputChunk) {
        let attempt = chunk.attempt;
        if s.db.attempts.get(&attempt).is_none_or(|row| row.agent != *agent) {
            return;
        }
        let stored = s.db.output.entry(attempt).or_default();
        let offset = usize::try_from(chunk.offset).expect("short");
        // Honest streams are short here, nothing of them is cut: what is beyond the end comes again after what is before it.
        if offset <= stored.len() {
            let known = stored.len() - offset;
            stored.extend(chunk.data.iter().skip(known));
        }
        let output = stored_offsets(stored.len());
        send(s, link, &ToAgent::Acknowledge { epoch, ended: vec![], forget: vec![], output: vec![(attempt, output)] });
    }

    pub fn close(&mut self, s: &mut Shared, link: Link) {
        if let Some(Session { stage: Stage::In { agent, epoch, .. }, .. }) = self.sessions.remove(&link) {
            self.fleet.close_session(&agent, epoch);
        }
        s.net.close_controller(link);
    }

    pub fn tick_sessions(&mut self, s: &mut Shared) {
        let silent = |session: &Session| s.now - session.heard >= SILENCE;
        let dead: Vec<Link> = self.sessions.iter().filter(|(_, session)| silent(session)).map(|(link, _)| *link).collect();
        dead.into_iter().for_each(|link| self.close(s, link));
        let mut due = Vec::new();
        for (link, session) in &mut self.sessions {
            if let Stage::In { agent, epoch, joined: true, pictured, .. } = &mut session.stage
                && s.now - *pictured >= PICTURE
            {
                *pictured = s.now;
                due.push((*link, agent.clone(), *epoch));
            }
        }
        due.into_iter().for_each(|(link, agent, epoch)| self.send_picture(s, link, &agent, epoch));
    }
}

fn stored(s: &Shared, attempt: AttemptId) -> Option<OutputOffsets> {
    s.db.output.get(&attempt).map(|bytes| stored_offsets(bytes.len()))
}

fn stored_offsets(stdout: usize) -> OutputOffsets {
    OutputOffsets { stdout: stdout as u64, stderr: 0 }
}
