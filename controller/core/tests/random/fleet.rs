//! Agents that do as they promise, in a world that does not: what is sent to them comes late, twice, or never; what they say, too.
//! They witness every command that they start.

use super::dice::Dice;
use crate::world::World;
use pulse_core::decide::Effect;
use pulse_core::execution::Event;
use pulse_protocol::{AgentName, Assignment, AttemptId, Desired};
use std::collections::{BTreeMap, BTreeSet};

/// The agents of a world.
pub struct Fleet {
    pub hosts: BTreeMap<AgentName, Host>,
    /// Sent, and not yet there.
    wire: Vec<Effect>,
    /// Said, and not yet heard: the agent, and a line of the script.
    mail: Vec<(AgentName, String)>,
    /// Heard; may come again much later.
    old: Vec<String>,
    /// Every command that was started, with the exit code that it will have.
    witness: BTreeMap<AttemptId, Option<i64>>,
    pub faults: bool,
}

/// One agent and its journal.
pub struct Host {
    pub up: bool,
    pub revoked: bool,
    boot: u32,
    jobs: BTreeMap<AttemptId, Job>,
}

/// What a journal holds of an attempt.
struct Job {
    label: String,
    state: JobState,
    reboots: bool,
    /// The command's stdout is asked for.
    output: Option<&'static str>,
    stop: bool,
    /// What it said last; said again at every connection until it is heard.
    said: String,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum JobState {
    Accepted,
    Started,
    Over,
}

impl Fleet {
    pub fn new(agents: &[&str], faults: bool) -> Self {
        let host = || Host { up: true, revoked: false, boot: 1, jobs: BTreeMap::new() };
        let hosts = agents.iter().map(|name| (name.parse().expect("a name"), host())).collect();
        let (wire, mail, old, witness) = (Vec::new(), Vec::new(), Vec::new(), BTreeMap::new());
        Self { hosts, wire, mail, old, witness, faults }
    }

    /// Takes what the controller has sent.
    pub fn take(&mut self, dice: &mut Dice, world: &mut World) {
        for effect in world.take_sent() {
            judge_effect(&effect, world);
            match dice.below(6) {
                0 if self.faults => {}
                1 if self.faults => self.wire.push(effect),
                2 if self.faults => {
                    self.wire.push(effect.clone());
                    self.deliver(dice, world, effect);
                }
                _ => self.deliver(dice, world, effect),
            }
        }
    }

    fn deliver(&mut self, dice: &mut Dice, world: &World, effect: Effect) {
        match effect {
            Effect::Assign { agent, assignment } => self.told(dice, world, &agent, &assignment),
            Effect::Stop { agent, attempt } => self.stopped(world, &agent, attempt, Desired::Stop),
            Effect::Withdraw { agent, attempt } => self.stopped(world, &agent, attempt, Desired::Withdraw),
        }
    }

    /// One assignment reaches its agent, which runs it unless its journal has it.
    fn told(&mut self, dice: &mut Dice, world: &World, agent: &AgentName, assignment: &Assignment) {
        if assignment.desired != Desired::Run {
            self.stopped(world, agent, assignment.attempt, assignment.desired);
            return;
        }
        let host = self.hosts.get_mut(agent).expect("an agent");
        let fits = host.up && world.journal(agent) == assignment.incarnation;
        let Some(command) = assignment.command.as_ref().filter(|_| fits && !host.jobs.contains_key(&assignment.attempt)) else {
            return;
        };
        let id = assignment.attempt;
        let script = &command.script;
        let (reboots, json) = (script.contains("reboot"), script.contains("json"));
        let output = command.capture_stdout.then_some(if json { "{\"pct\": 70}" } else { "PCT=42" });
        let label = world.label(id);
        let mut job = Job { label, state: JobState::Accepted, reboots, output, stop: false, said: String::new() };
        job.say(agent, "accepted", &mut self.mail);
        if self.faults && dice.once_in(15) {
            job.state = JobState::Over;
            job.say(agent, "not_started", &mut self.mail);
        }
        host.jobs.insert(id, job);
    }

    fn stopped(&mut self, world: &World, agent: &AgentName, id: AttemptId, desired: Desired) {
        let host = self.hosts.get_mut(agent).expect("an agent");
        if !host.up {
            return;
        }
        let label = world.label(id);
        match host.jobs.get_mut(&id) {
            // What has begun is not withdrawn any more.
            Some(job) => job.stop |= desired == Desired::Stop,
            // What it never had it will never start; the journal says so from now on.
            None => {
                let state = JobState::Over;
                let mut job = Job { label, state, reboots: false, output: None, stop: true, said: String::new() };
                let word = if desired == Desired::Withdraw { "withdrawn" } else { "not_started" };
                job.say(agent, word, &mut self.mail);
                host.jobs.insert(id, job);
            }
        }
    }

    /// Something on the wire arrives, in any order.
    pub fn wire(&mut self, dice: &mut Dice, world: &World) {
        if !self.wire.is_empty() {
            let effect = self.wire.swap_remove(dice.below(self.wire.len()));
            self.deliver(dice, world, effect);
        }
    }

    /// Agent and controller exchange their full pictures; what the agent has nothing of.
    pub fn exchange(&mut self, dice: &mut Dice, world: &World, agent: &AgentName) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.hosts[agent].up {
            return lines;
        }
        for (id, assignment) in world.picture(agent) {
            match self.hosts[agent].jobs.get(&id) {
                Some(job) => self.mail.push((agent.clone(), job.said.clone())),
                None => lines.push(format!("absent {}", world.label(id))),
            }
            if let Some(assignment) = assignment {
                self.told(dice, world, agent, &assignment);
            }
        }
        lines
    }

    /// A job goes on, whether or not its agent is connected. A host that goes down says so in a line.
    pub fn work(&mut self, dice: &mut Dice) -> Option<String> {
        let open = |job: &Job| job.state != JobState::Over;
        let jobs = self.hosts.iter().flat_map(|(name, host)| host.jobs.iter().map(move |(id, job)| (name, id, job)));
        let open: Vec<_> = jobs.filter(|(_, _, job)| open(job)).map(|(name, id, _)| (name.clone(), *id)).collect();
        let (name, id) = open.get(dice.below(open.len().max(1)))?.clone();
        self.advance(dice, &name, id)
    }

    fn advance(&mut self, dice: &mut Dice, name: &AgentName, id: AttemptId) -> Option<String> {
        let host = self.hosts.get_mut(name).expect("an agent");
        let job = host.jobs.get_mut(&id).expect("a job");
        let mail = &mut self.mail;
        if job.state == JobState::Accepted && job.stop {
            job.say(name, "not_started", mail);
            job.state = JobState::Over;
            return None;
        }
        if job.state == JobState::Accepted {
            job.say(name, "started", mail);
            job.state = JobState::Started;
            assert!(self.witness.insert(id, None).is_none(), "I1: {} was started twice", job.label);
            return None;
        }
        job.state = JobState::Over;
        let code = match dice.below(12) {
            0 if self.faults => {
                job.say(name, dice.pick(&["signal 9", "timed_out", "unknown"]), mail);
                return None;
            }
            _ if job.stop && dice.once_in(2) => {
                job.say(name, "cancelled", mail);
                return None;
            }
            1 | 2 if self.faults => 1,
            _ => 0,
        };
        self.witness.insert(id, Some(code));
        match job.output {
            Some(text) => job.say(name, &format!("out {code} {text}"), mail),
            None => job.say(name, &format!("exit {code}"), mail),
        }
        (job.reboots && code == 0 && host.up).then(|| {
            host.boot += 1;
            format!("agent {name} boot {}", host.boot)
        })
    }

    /// Something said is heard, in any order, and may be heard again. Only agents that are connected are heard.
    pub fn mail(&mut self, dice: &mut Dice) -> Option<String> {
        if self.faults && dice.once_in(12) && !self.old.is_empty() {
            return Some(self.old[dice.below(self.old.len())].clone());
        }
        let heard: Vec<usize> = (0..self.mail.len()).filter(|place| self.hosts[&self.mail[*place].0].up).collect();
        let place = *heard.get(dice.below(heard.len().max(1)))?;
        // In a world without faults word comes in order.
        let place = if self.faults { place } else { heard[0] };
        let (_, line) = self.mail.remove(place);
        if self.old.len() < 50 {
            self.old.push(line.clone());
        }
        Some(line)
    }

    /// The host goes down with all its commands, and comes back.
    pub fn reboot(&mut self, name: &AgentName) -> String {
        let host = self.hosts.get_mut(name).expect("an agent");
        for job in host.jobs.values_mut().filter(|job| job.state != JobState::Over) {
            let word = if job.state == JobState::Accepted { "not_started" } else { "rebooted" };
            job.state = JobState::Over;
            job.say(name, word, &mut self.mail);
        }
        (host.boot, host.up) = (host.boot + 1, true);
        format!("agent {name} boot {}", host.boot)
    }

    /// The journal is lost, and with it every word that was not yet heard.
    pub fn lose_journal(&mut self, name: &AgentName) -> String {
        let host = self.hosts.get_mut(name).expect("an agent");
        host.jobs.clear();
        host.up = true;
        self.mail.retain(|(agent, _)| agent != name);
        format!("agent {name} journal")
    }

    /// I1 and I4: what was started was committed before, by this agent's name; what exited so did run to such an end.
    pub fn judge(&self, world: &World) {
        let mut assigned = BTreeSet::new();
        for record in world.history() {
            match &record.event {
                Event::AttemptAssigned { attempt, .. } => drop(assigned.insert(*attempt)),
                Event::AttemptEnded { attempt, ended, .. } if ended.duration_ms == 0 => {
                    if let pulse_protocol::observation::EndKind::Exited { code } = ended.how {
                        assert_eq!(self.witness.get(attempt), Some(&Some(code)), "I4: an exit that nobody saw");
                    }
                }
                _ => {}
            }
        }
    }
}

impl Job {
    fn say(&mut self, agent: &AgentName, word: &str, mail: &mut Vec<(AgentName, String)>) {
        self.said = format!("report {} {word}", self.label);
        mail.push((agent.clone(), self.said.clone()));
    }
}

/// An effect follows its event: the attempt is in the history, assigned to this agent.
fn judge_effect(effect: &Effect, world: &World) {
    let (agent, attempt) = match effect {
        Effect::Assign { agent, assignment } => (agent, assignment.attempt),
        Effect::Stop { agent, attempt } | Effect::Withdraw { agent, attempt } => (agent, *attempt),
    };
    let so =
        |event: &Event| matches!(event, Event::AttemptAssigned { attempt: id, target, .. } if (*id, target) == (attempt, agent));
    assert!(world.history().iter().any(|record| so(&record.event)), "P1: an effect without its event");
}
