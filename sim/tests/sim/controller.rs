//! A controller: the core's decisions in the order in which the real one carries them out. Each step is one that the real one could be
//! killed after: something is decided, committed, followed.

use crate::db::{Around, Item, LEASE, Refused};
use crate::net::Link;
use crate::session::{Ingest, Session};
use crate::shared::{Shared, short};
use crd_schemas::manifest::Workflow;
use pulse_core::Timestamp;
use pulse_core::decide::{Pass, World};
use pulse_core::definitions::Program;
use pulse_core::elapsed::{Answered, Span};
use pulse_core::execution::{Execution, Input, Outcome};
use pulse_core::fleet::{Enrolled, Fleet, Followed, Freed, leaves_memory, slot_of_row, unsent};
use pulse_protocol::frame::encode;
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{AgentName, Assignment, AttemptId, ExecutionId, ToAgent};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// How often leases are renewed and everything open is looked at.
const RENEW: i64 = 3_000_000;
const SCAN: i64 = 10_000_000;

/// Whom an input's outcome is told.
#[derive(Debug, Clone, Copy)]
pub enum Teller {
    /// One report of an agent: which, of which attempt, and whether it says that the attempt is over.
    Ingest(u64, AttemptId, bool),
    Person,
}

/// What is decided and not yet committed, or committed and not yet followed.
struct Flight {
    execution: Execution,
    done: Pass,
    inputs: Vec<Input>,
    tellers: Vec<Teller>,
    loaded: bool,
    item: Item,
    answer: Option<Result<(), Refused>>,
}

pub struct Controller {
    pub id: u32,
    pub lease: u64,
    /// By how much its wall clock is off.
    pub offset: i64,
    /// It is stopped, and does nothing.
    pub frozen: bool,
    /// Its process is over.
    pub dead: bool,
    pub fleet: Fleet<Link>,
    pub sessions: BTreeMap<Link, Session>,
    pub ingests: BTreeMap<u64, Ingest>,
    pub tokens: u64,
    hot: BTreeMap<ExecutionId, Execution>,
    inbox: BTreeMap<ExecutionId, VecDeque<(Input, Teller)>>,
    queue: BTreeSet<ExecutionId>,
    /// When to look again, by true time: timers are monotonic.
    wakes: BTreeMap<ExecutionId, i64>,
    flights: BTreeMap<ExecutionId, Flight>,
    answered: Answered,
    renewed: i64,
    scanned: i64,
    /// Wall and true time at the last beat.
    beat: (Timestamp, i64),
    /// Requests that were answered: key and execution.
    pub answers: Vec<(u32, ExecutionId)>,
}

impl Controller {
    /// Takes the lease over and reads what the database says.
    pub fn boot(s: &mut Shared, id: u32, offset: i64) -> Self {
        let away = s.now - s.db.lease.until.min(s.now);
        s.db.lease.epoch += 1;
        s.db.lease.until = s.now + LEASE;
        let wall = s.wall(offset);
        s.db.absences.push(Span { from: Timestamp(wall.0 - away), to: wall });
        let mut fleet = Fleet::default();
        for (name, row) in &s.db.agents {
            let enrolled = Enrolled { slots: 3, boot: row.boot, ..Enrolled::default() };
            fleet.enrol(name, enrolled, false, wall);
            row.quarantine.iter().for_each(|reason| fleet.quarantine(name, reason.clone()));
        }
        fleet.set_absences(s.db.absences.clone());
        for (key, holder) in &s.db.claims {
            if !fleet.believe_turn(key, *holder) {
                fleet.take(*holder, &slot_of_row(key).into_iter().collect::<Vec<_>>());
            }
        }
        for (attempt, row) in s.db.attempts.iter().filter(|(_, row)| row.open) {
            fleet.open_attempt(&row.agent, *attempt, row.execution);
        }
        let queue = s.db.executions.iter().filter(|(_, row)| !row.terminal).map(|(id, _)| *id).collect();
        let mut answered = Answered::default();
        answered.settle(wall);
        s.say(|| format!("controller {id} takes lease {}", s.db.lease.epoch));
        Self {
            id,
            lease: s.db.lease.epoch,
            offset,
            frozen: false,
            dead: false,
            fleet,
            sessions: BTreeMap::new(),
            ingests: BTreeMap::new(),
            tokens: 0,
            hot: BTreeMap::new(),
            inbox: BTreeMap::new(),
            queue,
            wakes: BTreeMap::new(),
            flights: BTreeMap::new(),
            answered,
            renewed: s.now,
            scanned: s.now,
            beat: (wall, s.now),
            answers: Vec::new(),
        }
    }

    pub fn wall(&self, s: &Shared) -> Timestamp {
        s.wall(self.offset)
    }

    /// What its clocks bring: renewals, wake-ups, scans, and finding that it stood still.
    pub fn tick(&mut self, s: &mut Shared) {
        if self.frozen || self.dead {
            return;
        }
        let wall = self.wall(s);
        let told = (wall.0 - self.beat.0.0).abs();
        if (told - (s.now - self.beat.1)).abs() > 5_000_000 {
            self.fleet.forgive_silence(wall);
        }
        self.beat = (wall, s.now);
        if s.now - self.renewed >= RENEW {
            self.renewed = s.now;
            if s.db.lease.epoch != self.lease {
                return self.lose(s);
            }
            s.db.lease.until = s.now + LEASE;
            self.answered.hear(wall);
            for heard in self.fleet.heartbeats() {
                s.db.touch(&heard.name, heard.epoch, heard.sequence);
            }
        }
        if s.now - self.scanned >= SCAN {
            self.scanned = s.now;
            let due =
                s.db.executions
                    .iter()
                    .filter(|(_, row)| !row.terminal && (row.status != "waiting" || row.wake_at.is_some_and(|at| at <= wall)));
            self.queue.extend(due.map(|(id, _)| *id));
            self.queue.extend(self.fleet.queue_heads());
        }
        let due: Vec<ExecutionId> = self.wakes.iter().filter(|(_, at)| **at <= s.now).map(|(id, _)| *id).collect();
        for id in due {
            self.wakes.remove(&id);
            self.queue.insert(id);
        }
        self.tick_sessions(s);
    }

    /// It goes on where it stood; what renews its lease comes by a little later.
    pub fn thaw(&mut self, s: &Shared) {
        self.renewed = s.now;
    }

    /// Another controller has the lease: the process ends.
    fn lose(&mut self, s: &Shared) {
        s.say(|| format!("controller {} was replaced", self.id));
        self.dead = true;
    }

    /// One thing that is to be done, if there is any.
    pub fn step(&mut self, s: &mut Shared) -> bool {
        if self.frozen || self.dead {
            return false;
        }
        let flights: Vec<ExecutionId> = self.flights.keys().copied().collect();
        let ready: Vec<ExecutionId> = self.queue.iter().filter(|id| !self.flights.contains_key(*id)).copied().collect();
        let choices = flights.len() + ready.len();
        if choices == 0 {
            return false;
        }
        let choice = s.dice.below(choices);
        match flights.get(choice) {
            Some(id) if self.flights[id].answer.is_none() && s.may_fail() && !s.dice.once_in(s.slow) => return false,
            Some(id) if self.flights[id].answer.is_none() => self.commit(s, *id),
            Some(id) => self.settle(s, *id),
            None => self.work(s, ready[choice - flights.len()]),
        }
        true
    }

    pub fn wake(&mut self, ids: impl IntoIterator<Item = ExecutionId>) {
        self.queue.extend(ids);
    }

    pub fn enqueue(&mut self, id: ExecutionId, input: Input, teller: Teller) {
        self.inbox.entry(id).or_default().push_back((input, teller));
        self.queue.insert(id);
    }

    pub fn inbox_len(&self) -> usize {
        self.inbox.values().map(VecDeque::len).sum()
    }

    /// Somebody asks for an execution.
    pub fn start(&mut self, s: &mut Shared, key: u32, workflow: &(Workflow, Arc<Program>)) {
        if let Some(known) = s.db.keys.get(&key) {
            return self.answers.push((key, *known));
        }
        let id = ExecutionId(s.fresh());
        let first = crate::people::first(s, id, key, workflow, self.wall(s));
        let mut execution = Execution::begin(Arc::clone(&workflow.1), &first).expect("a beginning");
        let around = self.around(s, first.at);
        let begun = self.fleet.begin(&mut execution, first, around.now, &mut || AttemptId(s.fresh()));
        let done = begun.expect("the first pass folds");
        let item = item(&execution, &done, around, Some((key, workflow.0.clone(), Arc::clone(&workflow.1))));
        let flight = Flight { execution, done, inputs: vec![], tellers: vec![], loaded: false, item, answer: None };
        self.early(s, &flight);
        self.flights.insert(id, flight);
    }

    fn around(&self, s: &Shared, now: Timestamp) -> Around {
        let agents = self.fleet.views().map(|(name, view)| (name.clone(), view.clone())).collect();
        Around { now, absences: self.fleet.absences().to_vec(), agents, steady: s.steady }
    }

    /// The time now, once every span in which this controller could not work is noted.
    fn caught_up(&mut self, s: &mut Shared) -> Timestamp {
        let now = self.wall(s);
        if let Some(span) = self.answered.gap(now) {
            s.db.absences.push(span);
            self.fleet.add_absence(span);
            self.fleet.forgive_silence(now);
            self.answered.settle(span.to);
        }
        now
    }

    fn work(&mut self, s: &mut Shared, id: ExecutionId) {
        self.queue.remove(&id);
        if s.db.lease.epoch != self.lease && self.answered.gap(self.wall(s)).is_some() {
            // Noting the absence is a write like any other, and fenced.
            return self.lose(s);
        }
        let now = self.caught_up(s);
        let (mut execution, loaded) = match self.hot.remove(&id) {
            Some(execution) => (execution, false),
            None => {
                let Some(execution) = s.db.read(id) else { return self.refuse_all(id) };
                let freed = self.fleet.adopt(&execution);
                self.freed(freed);
                (execution, true)
            }
        };
        let waiting = self.inbox.entry(id).or_default();
        let batch = if waiting.len() > 1 && s.may_fail() { 1 + s.dice.below(waiting.len()) } else { waiting.len() };
        let (inputs, tellers): (Vec<Input>, Vec<Teller>) = waiting.drain(..batch).unzip();
        let around = self.around(s, now);
        let decided = self.fleet.decide(&mut execution, &inputs, now, &mut || AttemptId(s.fresh()));
        let done = decided.expect("a pass folds");
        let item = item(&execution, &done, around, None);
        let flight = Flight { execution, done, inputs, tellers, loaded, item, answer: None };
        self.early(s, &flight);
        if flight.done.events.is_empty() {
            self.follow(s, flight);
        } else {
            self.flights.insert(id, flight);
        }
    }

    fn refuse_all(&mut self, id: ExecutionId) {
        let waiting = self.inbox.remove(&id).unwrap_or_default();
        waiting.into_iter().for_each(|(_, teller)| self.tell(teller, None));
    }

    /// What a planted bug does too early.
    fn early(&mut self, s: &mut Shared, flight: &Flight) {
        if planted::is(Bug::SendBeforeCommit) {
            let mut copy = Fleet::<Link>::default();
            let Followed { assignments, .. } = copy.follow(&flight.execution, &flight.done);
            self.send_all(s, assignments);
        }
    }

    fn commit(&mut self, s: &mut Shared, id: ExecutionId) {
        let down = s.fault("commit fails", 60);
        let flight = self.flights.get_mut(&id).expect("a flight");
        let written = if down { Err(Refused::Down) } else { s.db.write(&flight.item, self.lease) };
        let unclear = written.is_ok() && s.fault("commit is unclear", 60);
        s.say(|| {
            let kinds: Vec<String> = flight.item.events.iter().map(|r| crate::trace::event(&r.event)).collect();
            format!("controller {} commits {}: {} → {written:?}", self.id, short(id.0), kinds.join(", "))
        });
        if written.is_ok() {
            s.judge.committed(&flight.item);
            self.answered.hear(s.wall(self.offset));
        }
        flight.answer = Some(if unclear { Err(Refused::Unclear) } else { written });
    }

    /// The database has answered.
    fn settle(&mut self, s: &mut Shared, id: ExecutionId) {
        let flight = self.flights.remove(&id).expect("a flight");
        match flight.answer.clone().expect("an answer") {
            Ok(()) => self.follow(s, flight),
            Err(refused) => self.undo(s, flight, refused),
        }
    }

    fn undo(&mut self, s: &mut Shared, flight: Flight, refused: Refused) {
        let id = flight.execution.id();
        let freed = self.fleet.free(id, &flight.done.take);
        let inputs = flight.inputs.into_iter().zip(flight.tellers);
        let (again, once): (Vec<_>, Vec<_>) = inputs.partition(|(input, _)| input.is_repeatable());
        let inbox = self.inbox.entry(id).or_default();
        again.into_iter().rev().for_each(|pair| inbox.push_front(pair));
        once.into_iter().for_each(|(_, teller)| self.tell(teller, None));
        self.freed(freed);
        match refused {
            Refused::Fenced => return self.lose(s),
            Refused::Claim { key, holder } => {
                if !self.fleet.believe_turn(&key, holder) {
                    self.fleet.take(holder, &slot_of_row(&key).into_iter().collect::<Vec<_>>());
                }
            }
            Refused::Key(known) => {
                let key = flight.item.birth.as_ref().map(|(key, ..)| *key).expect("a request");
                self.answers.push((key, known));
                return;
            }
            Refused::Stale | Refused::Down | Refused::Unclear => {}
        }
        if flight.item.birth.is_none() || s.db.executions.contains_key(&id) {
            self.queue.insert(id);
        }
    }

    fn follow(&mut self, s: &mut Shared, flight: Flight) {
        let Flight { execution, done, tellers, loaded, item, .. } = flight;
        let id = execution.id();
        let Followed { freed, assignments } = self.fleet.follow(&execution, &done);
        self.send_all(s, assignments);
        self.freed(freed);
        if loaded {
            for (agent, assignment) in unsent(&execution, &done, &self.fleet, self.wall(s)) {
                self.send_all(s, BTreeMap::from([(agent, vec![assignment])]));
            }
        }
        for (teller, outcome) in tellers.into_iter().zip(done.outcomes) {
            self.tell(teller, Some(outcome));
        }
        if let Some((key, ..)) = item.birth {
            self.answers.push((key, id));
            self.queue.insert(id);
        }
        if self.inbox.get(&id).is_some_and(|waiting| !waiting.is_empty()) {
            self.queue.insert(id);
        } else {
            self.inbox.remove(&id);
        }
        if let Some(at) = done.rest.wake_at {
            let left = (at.0 - self.wall(s).0).max(0) + 1000;
            let earlier = self.wakes.get(&id).map_or(i64::MAX, |at| *at);
            self.wakes.insert(id, earlier.min(s.now + left));
        }
        if !leaves_memory(&execution) {
            self.hot.insert(id, execution);
        }
    }

    fn tell(&mut self, teller: Teller, outcome: Option<Outcome>) {
        if let Teller::Ingest(number, attempt, is_end) = teller
            && let Some(ingest) = self.ingests.get_mut(&number)
        {
            ingest.hear(attempt, is_end, outcome.as_ref());
        }
    }

    pub fn freed(&mut self, freed: Freed) {
        for agent in &freed.agents {
            let watchers = self.fleet.slot_watchers(agent);
            self.queue.extend(watchers);
        }
        self.queue.extend(freed.next);
    }

    fn send_all(&self, s: &mut Shared, assignments: BTreeMap<AgentName, Vec<Assignment>>) {
        for (agent, assignments) in assignments {
            let Some((epoch, link)) = self.fleet.session_of(&agent) else { continue };
            for assignment in assignments {
                send(s, link, &ToAgent::Assign { epoch, assignments: vec![assignment], full: false });
            }
        }
    }

    /// An execution's committed state, for the picture of an agent.
    pub fn view(&self, s: &Shared, id: ExecutionId) -> Option<Execution> {
        self.hot.get(&id).cloned().or_else(|| s.db.read(id))
    }
}

/// Says something to an agent; the judge listens.
pub fn send(s: &mut Shared, link: Link, message: &ToAgent) {
    let heard = s.net.conns.get(&link).is_some_and(|conn| conn.agent_open);
    s.judge.said(&s.db, heard, message);
    s.say(|| format!("   → link {link}: {}", crate::trace::to_agent(message)));
    s.net.send_down(link, encode(message).expect("an honest message is within its bounds"));
}

fn item(execution: &Execution, done: &Pass, around: Around, birth: Option<(u32, Workflow, Arc<Program>)>) -> Item {
    let keys = |claims: &[pulse_core::execution::ClaimKey]| claims.iter().map(ToString::to_string).collect();
    Item {
        execution: execution.id(),
        events: done.events.clone(),
        status: execution.status.as_str(),
        terminal: execution.status.is_terminal(),
        wake_at: done.rest.wake_at,
        take: keys(&done.take),
        release: keys(&done.release),
        opened: done.opened.clone(),
        closed: done.closed.clone(),
        birth,
        around,
    }
}
