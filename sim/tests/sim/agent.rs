//! One run of the agent on its host: its link, what it hears and says, and its worker. The parts of `agent/src/connection.rs` that
//! are more than sockets.

use crate::host::Host;
use crate::machine::{Simulated, Want, guarded};
use crate::net::Link;
use crate::shared::{Shared, short};
use crate::shim::Shim;
use pulse_agent::outbox::Outbox;
use pulse_agent::record::Exit;
use pulse_agent::runner::News;
use pulse_agent::worker::{Event, Worker};
use pulse_protocol::frame::{decode, encode};
use pulse_protocol::message::{Identify, Vitals};
use pulse_protocol::version::SUPPORTED;
use pulse_protocol::{AttemptId, Epoch, ToAgent, ToController};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

/// Nothing heard of the controller for so long ends a session.
const SILENCE: i64 = 20_000_000;
const HEARTBEAT: i64 = 5_000_000;
/// How long coming in may take.
const HANDSHAKE: i64 = 10_000_000;

/// Where an agent's connection stands.
#[derive(Clone, Copy, PartialEq)]
pub enum Stage {
    Hello,
    Identified,
    In(Epoch),
}

/// One run of the agent.
pub struct Agent {
    pub run: u64,
    pub worker: Worker<Simulated>,
    pub outbox: Arc<Outbox>,
    pub link: Option<(Link, Stage)>,
    pub next_try: i64,
    pub begun: i64,
    pub heard: i64,
    pub beat: i64,
    pub ticked: i64,
    pub events: VecDeque<Event>,
    pub adopted: BTreeSet<AttemptId>,
    pub wants: Rc<RefCell<Vec<Want>>>,
}

impl Host {
    /// What the agent's clocks bring. Answers whether there is a connection to be made.
    pub fn tick(&mut self, s: &mut Shared) {
        if self.doom.is_some_and(|at| s.now >= at) {
            self.doom = None;
            if s.may_fail() {
                s.note_fault("power cut");
                self.reboot(s, true);
            }
        }
        let Some(agent) = &mut self.agent else { return };
        if s.now - agent.ticked >= 1_000_000 {
            agent.ticked = s.now;
            agent.events.push_back(Event::Tick);
        }
        let limit = match agent.link {
            Some((_, Stage::In(_))) => Some(agent.heard + SILENCE),
            Some(_) => Some(agent.begun + HANDSHAKE),
            None => None,
        };
        if limit.is_some_and(|limit| s.now >= limit) {
            self.hang_up(s, 1_000_000);
        }
    }

    /// The connection is over, and another one is tried later.
    pub fn hang_up(&mut self, s: &mut Shared, pause: i64) {
        let Some(agent) = &mut self.agent else { return };
        if let Some((link, stage)) = agent.link.take() {
            s.net.close_agent(link);
            agent.next_try = s.now + pause;
            if matches!(stage, Stage::In(_)) {
                agent.events.push_back(Event::Disconnected);
            }
        }
    }

    /// Whether it wants a connection now.
    pub fn wants_link(&self, s: &Shared) -> bool {
        self.agent.as_ref().is_some_and(|agent| agent.link.is_none() && s.now >= agent.next_try && agent.events.is_empty())
    }

    pub fn no_link(&mut self, s: &Shared) {
        self.agent.iter_mut().for_each(|agent| agent.next_try = s.now + 1_000_000);
    }

    pub fn connect(&mut self, s: &mut Shared, link: Link) {
        let Some(agent) = &mut self.agent else { return };
        (agent.link, agent.begun, agent.heard) = (Some((link, Stage::Hello)), s.now, s.now);
        up(s, link, &ToController::Hello { versions: SUPPORTED, release: "sim".into() });
    }

    /// One thing that the agent does: something that waits for its worker, or something to say.
    pub fn step(&mut self, s: &mut Shared) -> bool {
        if let Some(event) = self.agent.as_mut().and_then(|agent| agent.events.pop_front()) {
            self.take(s, event);
            return true;
        }
        self.look_at_adopted() || self.speak(s)
    }

    /// As a thread of the runner looks at a shim that another run of the agent started.
    fn look_at_adopted(&mut self) -> bool {
        let Some(agent) = &mut self.agent else { return false };
        for attempt in agent.adopted.clone() {
            let dir = self.data.attempt(attempt);
            if !dir.is_supervised().expect("the disk is well") || matches!(Exit::read(&dir), Ok(Some(_))) {
                agent.adopted.remove(&attempt);
                let reason = "the shim ended before it started the command".into();
                agent.events.push_back(Event::Shim(attempt, News::Gone { reason, surely: false }));
                return true;
            }
            let unheard = agent.worker.session().attempts().get(&attempt).is_some_and(|known| known.pid.is_none());
            if let Some(pid) = pulse_agent::recovery::pid(&dir).filter(|_| unheard) {
                agent.events.push_back(Event::Shim(attempt, News::Started { pid }));
                return true;
            }
        }
        false
    }

    /// Its full picture goes out, as it does from time to time.
    pub fn say_picture(&mut self, s: &mut Shared) {
        let Some(agent) = &mut self.agent else { return };
        let Some((link, Stage::In(epoch))) = agent.link else { return };
        let (observations, sequence) = (agent.worker.picture(), agent.worker.sequence());
        up(s, link, &ToController::Report { epoch, observations, full: true, sequence });
    }

    fn speak(&mut self, s: &mut Shared) -> bool {
        self.set_clock(s);
        let Some(agent) = &mut self.agent else { return false };
        let Some((link, Stage::In(epoch))) = agent.link else { return false };
        if s.now - agent.beat >= HEARTBEAT {
            agent.beat = s.now;
            up(s, link, &ToController::Heartbeat { epoch, vitals: Vitals::default() });
            return true;
        }
        let Some(next) = agent.outbox.next(self.clock.get().0) else { return false };
        let sequence = agent.worker.sequence();
        up(s, link, &next.into_message(epoch, sequence));
        true
    }

    /// Something comes on the agent's link.
    pub fn hear(&mut self, s: &mut Shared, link: Link, frame: Option<String>) {
        let Some(agent) = self.agent.as_mut().filter(|agent| agent.link.is_some_and(|(own, _)| own == link)) else {
            return s.net.close_agent(link);
        };
        agent.heard = s.now;
        let Some(frame) = frame else { return self.hang_up(s, 300_000) };
        let message: ToAgent = decode(&frame).expect("an honest controller's frame");
        let stage = agent.link.map_or(Stage::Hello, |(_, stage)| stage);
        match (stage, message) {
            (_, ToAgent::Refused { .. }) => self.hang_up(s, 1_500_000),
            (Stage::Hello, ToAgent::Challenge { .. }) => self.identify(s, link),
            (Stage::Identified, ToAgent::Ping { number }) => up(s, link, &ToController::Pong { number }),
            (Stage::Identified, ToAgent::Welcome { epoch, .. }) => {
                agent.link = Some((link, Stage::In(epoch)));
                agent.beat = 0;
                self.take(s, Event::Connected);
            }
            (Stage::In(epoch), message) => {
                if message.epoch().is_none_or(|said| said == epoch) {
                    s.say(|| format!("{}/{} hears on link {link}: {}", self.name, self.id, crate::trace::to_agent(&message)));
                    self.take(s, Event::Message(message, None));
                }
            }
            _ => self.hang_up(s, 1_000_000),
        }
    }

    fn identify(&mut self, s: &mut Shared, link: Link) {
        let boot = self.boot_id();
        let Some(agent) = &mut self.agent else { return };
        let observations = agent.worker.picture();
        agent.link = Some((link, Stage::Identified));
        let identify = Identify {
            name: self.name.clone(),
            public_key: "key".into(),
            signature: String::new(),
            token: None,
            rotation: None,
            boot,
            incarnation: agent.worker.incarnation(),
            sequence: agent.worker.sequence(),
            slots: 3,
            labels: BTreeMap::new(),
            facts: BTreeMap::new(),
            observations,
        };
        up(s, link, &ToController::Identify(Box::new(identify)));
    }

    /// The worker takes an event, or dies in the middle of it.
    fn take(&mut self, s: &mut Shared, event: Event) {
        self.set_clock(s);
        let starts = matches!(&event, Event::Message(ToAgent::Assign { assignments, .. }, _) if !assignments.is_empty());
        let ends = matches!(&event, Event::Shim(..));
        let crash = s.fault("agent is killed", if starts || ends { 25 } else { 120 }).then(|| s.dice.below(5));
        let journal = self.journal();
        let Some(agent) = &mut self.agent else { return };
        let worker = &mut agent.worker;
        let done = guarded(&self.synced, &journal, crash, || worker.take(event));
        // What it did before it died stands; and nobody says that a shim is slower than its agent.
        self.carry_out(s);
        if starts && s.dice.once_in(3) {
            for _ in 0..4 {
                self.shim_step(s);
            }
        }
        if done.is_none() || crash.is_some() {
            self.kill_agent(s);
            match s.dice.below(3) {
                0 => {
                    s.note_fault("power cut");
                    self.reboot(s, true);
                }
                1 => {
                    self.start(s);
                    self.doom = Some(s.now + i64::try_from(s.dice.below(3_000_000)).expect("soon"));
                }
                _ => {}
            }
        }
    }

    pub fn carry_out(&mut self, s: &mut Shared) {
        let Some(agent) = &mut self.agent else { return };
        for want in agent.wants.take() {
            match want {
                Want::Adopt(attempt) => drop(agent.adopted.insert(attempt)),
                Want::Start(attempt, command) => {
                    self.pids += 1;
                    s.say(|| format!("{}/{}: shim of {}", self.name, self.id, short(attempt.0)));
                    self.shims.push(Shim::new(&self.data, (attempt, self.pids), *command, agent.run, self.wipes));
                }
            }
        }
    }
}

fn up(s: &mut Shared, link: Link, message: &ToController) {
    s.net.send_up(link, encode(message).expect("an honest message is within its bounds"));
}
