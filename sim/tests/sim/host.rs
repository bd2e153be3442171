//! A host: its disk, its boots, its shims, and the agent's own worker, which is killed at its failpoints by a panic.

use crate::net::Link;
use crate::shared::{Shared, short};
use crate::shim::{Shim, Step, Witness};
use pulse_agent::budget::Held;
use pulse_agent::folder::DataDir;
use pulse_agent::host::Host as Machine;
use pulse_agent::outbox::Outbox;
use pulse_agent::runner::News;
use pulse_agent::shim::Said;
use pulse_agent::worker::{Event, Worker};
use pulse_protocol::frame::{decode, encode};
use pulse_protocol::message::{Identify, Vitals};
use pulse_protocol::version::SUPPORTED;
use pulse_protocol::{AgentName, AttemptId, BootId, CommandSpec, Epoch, Incarnation, ToAgent, ToController, failpoint};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use uuid::Uuid;

/// Nothing heard of the controller for so long ends a session.
const SILENCE: i64 = 20_000_000;
const HEARTBEAT: i64 = 5_000_000;
/// How long coming in may take.
const HANDSHAKE: i64 = 10_000_000;

/// What ends a worker at a failpoint.
pub struct Killed;

/// The machine as the worker sees it.
pub struct Simulated {
    clock: Rc<Cell<(Instant, u64)>>,
    wants: Rc<RefCell<Vec<Want>>>,
    /// Shims that can be asked to stop, and those that were.
    listening: Rc<RefCell<BTreeSet<AttemptId>>>,
    stopped: Rc<RefCell<BTreeSet<AttemptId>>>,
}

enum Want {
    Start(AttemptId, Box<CommandSpec>),
    Adopt(AttemptId),
}

impl Machine for Simulated {
    fn now(&self) -> Instant {
        self.clock.get().0
    }
    fn seconds(&self) -> u64 {
        self.clock.get().1
    }
    fn start(&mut self, attempt: AttemptId, command: CommandSpec, _: Option<Held>) -> io::Result<()> {
        self.wants.borrow_mut().push(Want::Start(attempt, Box::new(command)));
        Ok(())
    }
    fn adopt(&mut self, attempt: AttemptId) -> io::Result<()> {
        self.wants.borrow_mut().push(Want::Adopt(attempt));
        Ok(())
    }
    fn stop(&self, attempt: AttemptId) -> io::Result<bool> {
        let listens = self.listening.borrow().contains(&attempt);
        if listens {
            self.stopped.borrow_mut().insert(attempt);
        }
        Ok(listens)
    }
}

/// Where an agent's connection stands.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Hello,
    Identified,
    In(Epoch),
}

/// One run of the agent.
struct Agent {
    run: u64,
    worker: Worker<Simulated>,
    outbox: Arc<Outbox>,
    link: Option<(Link, Stage)>,
    next_try: i64,
    begun: i64,
    heard: i64,
    beat: i64,
    ticked: i64,
    events: VecDeque<Event>,
    adopted: BTreeSet<AttemptId>,
    wants: Rc<RefCell<Vec<Want>>>,
}

pub struct Host {
    pub id: usize,
    pub name: AgentName,
    root: TempDir,
    data: DataDir,
    boot: u64,
    /// By how much its wall clock is off, seconds.
    pub wrong_by: i64,
    agent: Option<Agent>,
    pub shims: Vec<Shim>,
    /// Commands whose shim was killed: until when they run on.
    pub wild: BTreeMap<AttemptId, i64>,
    /// How much of the journal would survive a power cut.
    synced: Rc<Cell<u64>>,
    clock: Rc<Cell<(Instant, u64)>>,
    listening: Rc<RefCell<BTreeSet<AttemptId>>>,
    stopped: Rc<RefCell<BTreeSet<AttemptId>>>,
    base: Instant,
    runs: u64,
    pids: i32,
    /// How often the journal was deleted, or replaced with the disk.
    wipes: u32,
    /// When its power goes: one misfortune brings another.
    doom: Option<i64>,
}

impl Host {
    pub fn new(id: usize, name: AgentName, base: Instant) -> Self {
        let root = tempfile::tempdir_in(memory()).expect("a folder");
        let data = DataDir::new(root.path());
        data.create().expect("the disk is well");
        Self {
            id,
            name,
            root,
            data,
            boot: 1,
            wrong_by: 0,
            agent: None,
            shims: Vec::new(),
            wild: BTreeMap::new(),
            synced: Rc::new(Cell::new(0)),
            clock: Rc::new(Cell::new((base, 0))),
            listening: Rc::default(),
            stopped: Rc::default(),
            base,
            runs: 0,
            pids: 100,
            wipes: 0,
            doom: None,
        }
    }

    /// A host that begins with a copy of another's disk.
    pub fn twin(&self, id: usize) -> Self {
        let twin = Self::new(id, self.name.clone(), self.base);
        copy(self.root.path(), twin.root.path());
        twin.synced.set(length(&twin.journal()));
        twin
    }

    pub fn is_up(&self) -> bool {
        self.agent.is_some()
    }

    pub fn link(&self) -> Option<Link> {
        self.agent.as_ref()?.link.map(|(link, _)| link)
    }

    fn journal(&self) -> PathBuf {
        self.root.path().join("journal")
    }

    fn boot_id(&self) -> BootId {
        BootId(Uuid::from_u128((u128::from(self.boot) << 64) | self.id as u128 | 1 << 32))
    }

    fn set_clock(&self, s: &Shared) {
        let since = Duration::from_micros(u64::try_from(s.now).expect("later"));
        let wall = s.wall(0).0 / 1_000_000 + self.wrong_by;
        self.clock.set((self.base + since, u64::try_from(wall).unwrap_or_default()));
    }

    /// The agent starts, and may die while it does.
    pub fn start(&mut self, s: &mut Shared) {
        self.set_clock(s);
        let fresh = Incarnation(s.fresh());
        let outbox = Arc::new(Outbox::default());
        let wants = Rc::new(RefCell::new(Vec::new()));
        let host = Simulated {
            clock: Rc::clone(&self.clock),
            wants: Rc::clone(&wants),
            listening: Rc::clone(&self.listening),
            stopped: Rc::clone(&self.stopped),
        };
        let (data, boot, is_new) = (self.data.clone(), self.boot_id(), !self.journal().exists());
        let (kept, opened) = (Arc::clone(&outbox), Arc::clone(&outbox));
        let crash = s.fault("agent is killed while it starts", 30).then(|| s.dice.below(6));
        let synced = Rc::clone(&self.synced);
        let journal = self.journal();
        let worker = guarded(&self.synced, &self.journal(), crash, move || {
            if is_new {
                // A new journal is made durable as a whole before it has its name.
                synced.set(0);
            }
            let worker = Worker::open(data, boot, opened, host, fresh).expect("the folder can be read");
            if is_new {
                synced.set(synced.get().max(length(&journal)));
            }
            worker
        });
        let Some(worker) = worker else { return };
        self.runs += 1;
        s.say(|| {
            format!("{}/{}: agent starts, journal {} at {}", self.name, self.id, short(worker.incarnation().0), worker.sequence())
        });
        self.agent = Some(Agent {
            run: self.runs,
            worker,
            outbox: kept,
            link: None,
            next_try: s.now,
            begun: s.now,
            heard: s.now,
            beat: 0,
            ticked: s.now,
            events: VecDeque::new(),
            adopted: BTreeSet::new(),
            wants,
        });
        self.carry_out(s);
    }

    /// The agent's process is gone. What it had in its buffers may still arrive.
    pub fn kill_agent(&mut self, s: &mut Shared) {
        if let Some(agent) = self.agent.take() {
            agent.link.into_iter().for_each(|(link, _)| s.net.close_agent(link));
        }
    }

    /// The kernel goes down; with the power also what was not synced.
    pub fn reboot(&mut self, s: &mut Shared, power: bool) {
        if let Some((link, _)) = self.agent.take().and_then(|agent| agent.link) {
            // Nobody says good-bye.
            if s.dice.once_in(2) {
                s.net.conns.get_mut(&link).into_iter().for_each(|conn| (conn.up_stalled, conn.down_stalled) = (true, true));
            }
            s.net.close_agent(link);
        }
        for shim in self.shims.drain(..).filter(Shim::runs) {
            s.judge.died(shim.attempt);
        }
        std::mem::take(&mut self.wild).keys().for_each(|attempt| s.judge.died(*attempt));
        self.listening.borrow_mut().clear();
        self.stopped.borrow_mut().clear();
        self.boot += 1;
        let (whole, synced) = (length(&self.journal()), self.synced.get());
        if power && synced < whole {
            let kept = synced + s.dice.below(usize::try_from(whole - synced).expect("short")) as u64;
            s.say(|| format!("{}: the journal loses {} bytes", self.name, whole - kept));
            let file = std::fs::OpenOptions::new().write(true).open(self.journal()).expect("the journal");
            file.set_len(kept).expect("the disk is well");
        }
        // What is there now has been read from the disk.
        self.synced.set(length(&self.journal()));
    }

    /// The journal is deleted, alone or with everything.
    pub fn wipe(&mut self, s: &mut Shared, everything: bool) {
        self.kill_agent(s);
        self.wipes += 1;
        drop(std::fs::remove_file(self.journal()));
        if everything {
            self.reboot(s, false);
            drop(std::fs::remove_dir_all(self.data.attempts()));
            self.data.create().expect("the disk is well");
        }
        self.synced.set(0);
    }

    /// A copy of the disk, to be put back later.
    pub fn save(&self) -> TempDir {
        let image = tempfile::tempdir_in(memory()).expect("a folder");
        copy(self.root.path(), image.path());
        image
    }

    pub fn put_back(&mut self, s: &mut Shared, image: &Path) {
        self.reboot(s, false);
        std::fs::remove_dir_all(self.data.attempts()).expect("the disk is well");
        drop(std::fs::remove_file(self.journal()));
        copy(image, self.root.path());
        self.synced.set(length(&self.journal()));
    }

    /// What a shim's kill leaves: the command goes on without it.
    pub fn kill_shim(&mut self, s: &mut Shared) {
        if self.shims.is_empty() {
            return;
        }
        let shim = self.shims.remove(s.dice.below(self.shims.len()));
        if let Some(until) = shim.until() {
            self.wild.insert(shim.attempt, until);
        }
        self.listening.borrow_mut().remove(&shim.attempt);
        self.gone(&shim, "the shim ended before it started the command".into());
    }

    fn gone(&mut self, shim: &Shim, reason: String) {
        if let Some(agent) = self.agent.as_mut().filter(|agent| shim.follower == Some(agent.run)) {
            agent.events.push_back(Event::Shim(shim.attempt, News::Gone { reason, surely: true }));
        }
    }

    /// One of the shims goes on.
    pub fn shim_step(&mut self, s: &mut Shared) -> bool {
        for (attempt, until) in self.wild.clone() {
            if s.now >= until {
                self.wild.remove(&attempt);
                s.judge.died(attempt);
            }
        }
        if self.shims.is_empty() {
            return false;
        }
        let place = s.dice.below(self.shims.len());
        let durable = std::fs::read(self.journal()).unwrap_or_default();
        let synced = usize::try_from(self.synced.get()).expect("short").min(durable.len());
        let durable = (self.shims[place].wipes == self.wipes).then_some(&durable[..synced]);
        let witness = Witness { host: self.id, name: &self.name, durable };
        let shim = &mut self.shims[place];
        shim.stop |= self.stopped.borrow_mut().remove(&shim.attempt);
        let step = shim.step(s, &witness);
        let (attempt, listens, follower) = (shim.attempt, shim.listens(), shim.follower);
        if listens {
            self.listening.borrow_mut().insert(attempt);
        }
        match step {
            Step::Waits => return false,
            Step::Says(said) => {
                let agent = self.agent.as_mut().filter(|agent| follower == Some(agent.run));
                if let (Some(agent), Some(said)) = (agent, said) {
                    agent.events.push_back(Event::Shim(attempt, News::Said(said)));
                }
            }
            Step::Gone(reason) => {
                let shim = self.shims.remove(place);
                if !self.shims.iter().any(|other| other.attempt == attempt) {
                    self.listening.borrow_mut().remove(&attempt);
                }
                self.gone(&shim, reason);
            }
        }
        true
    }

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
            if !dir.is_supervised().expect("the disk is well") || dir.file("exit").exists() {
                agent.adopted.remove(&attempt);
                let reason = "the shim ended before it started the command".into();
                agent.events.push_back(Event::Shim(attempt, News::Gone { reason, surely: false }));
                return true;
            }
            let unheard = agent.worker.session().attempts().get(&attempt).is_some_and(|known| known.pid.is_none());
            if let Some(pid) = pulse_agent::recovery::pid(&dir).filter(|_| unheard) {
                agent.events.push_back(Event::Shim(attempt, News::Said(Said::Started { pid })));
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

    fn carry_out(&mut self, s: &mut Shared) {
        let boot = self.boot_id();
        let Some(agent) = &mut self.agent else { return };
        for want in agent.wants.take() {
            match want {
                Want::Adopt(attempt) => drop(agent.adopted.insert(attempt)),
                Want::Start(attempt, command) => {
                    self.pids += 1;
                    s.say(|| format!("{}/{}: shim of {}", self.name, self.id, short(attempt.0)));
                    self.shims.push(Shim::new(&self.data, boot, (attempt, self.pids), *command, agent.run, self.wipes));
                }
            }
        }
    }

    /// What the agent still knows, for the judge: open attempts, and ended ones.
    pub fn known(&self) -> Vec<(AttemptId, bool)> {
        let attempts = self.agent.iter().flat_map(|agent| agent.worker.session().attempts());
        let ended = |known: &pulse_agent::session::Attempt| matches!(known.phase, pulse_agent::session::Phase::Ended { .. });
        attempts.map(|(attempt, known)| (*attempt, ended(known))).collect()
    }

    /// Attempts that have a folder though the agent has forgotten them; those kept for this boot only are no leftovers.
    pub fn leftovers(&self) -> Vec<String> {
        let known: BTreeSet<AttemptId> = self.known().into_iter().map(|(attempt, _)| attempt).collect();
        let entries = std::fs::read_dir(self.data.attempts()).expect("the disk is well");
        let names = entries.filter_map(|entry| entry.expect("an entry").file_name().into_string().ok());
        let ids = names.filter_map(|name| name.parse::<AttemptId>().ok());
        let left = ids.filter(|id| !known.contains(id) && !self.data.attempt(*id).file("kept").exists());
        left.map(|id| short(id.0)).collect()
    }
}

fn up(s: &mut Shared, link: Link, message: &ToController) {
    s.net.send_up(link, encode(message).expect("an honest message is within its bounds"));
}

/// Runs a worker's work; `None`: it was killed at one of its failpoints. Hears how much of the journal is synced.
fn guarded<T>(synced: &Rc<Cell<u64>>, journal: &Path, crash: Option<usize>, work: impl FnOnce() -> T) -> Option<T> {
    let (synced, journal, left) = (Rc::clone(synced), journal.to_owned(), Cell::new(crash));
    failpoint::hook(Some(Rc::new(move |name: &str| {
        if name == "agent.journal-sync.after" {
            synced.set(length(&journal));
        }
        match left.get() {
            Some(0) => panic_any(Killed),
            Some(more) => left.set(Some(more - 1)),
            None => {}
        }
    })));
    let done = catch_unwind(AssertUnwindSafe(work));
    failpoint::hook(None);
    match done {
        Ok(done) => Some(done),
        Err(end) if end.is::<Killed>() => None,
        Err(other) => resume_unwind(other),
    }
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

/// Where disks lie: in memory, where there is such a place.
fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            std::fs::create_dir_all(&target).expect("the disk is well");
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("the disk is well");
        }
    }
}
