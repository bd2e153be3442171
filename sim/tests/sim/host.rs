//! A host: its disk, its boots, its shims. The agent that runs on it is in `agent.rs`.

use crate::agent::Agent;
use crate::machine::{Simulated, guarded};
use crate::net::Link;
use crate::shared::{Shared, short};
use crate::shim::{Shim, Step, Witness};
use pulse_agent::folder::DataDir;
use pulse_agent::outbox::Outbox;
use pulse_agent::runner::News;
use pulse_agent::worker::{Event, Worker};
use pulse_protocol::{AgentName, AttemptId, BootId, Incarnation};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use uuid::Uuid;

pub struct Host {
    pub id: usize,
    pub name: AgentName,
    root: TempDir,
    pub data: DataDir,
    boot: u64,
    /// By how much its wall clock is off, seconds.
    pub wrong_by: i64,
    pub agent: Option<Agent>,
    pub shims: Vec<Shim>,
    /// Commands whose shim was killed: until when they run on.
    pub wild: BTreeMap<AttemptId, i64>,
    /// How much of the journal would survive a power cut.
    pub synced: Rc<Cell<u64>>,
    pub clock: Rc<Cell<(Instant, u64)>>,
    listening: Rc<RefCell<BTreeSet<AttemptId>>>,
    stopped: Rc<RefCell<BTreeSet<AttemptId>>>,
    base: Instant,
    runs: u64,
    pub pids: i32,
    /// How often the journal was deleted, or replaced with the disk.
    pub wipes: u32,
    /// When its power goes: one misfortune brings another.
    pub doom: Option<i64>,
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

    pub fn journal(&self) -> PathBuf {
        self.root.path().join("journal")
    }

    pub fn boot_id(&self) -> BootId {
        BootId(Uuid::from_u128((u128::from(self.boot) << 64) | self.id as u128 | 1 << 32))
    }

    pub fn set_clock(&self, s: &Shared) {
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
                    agent.events.push_back(Event::Shim(attempt, said));
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

/// Bytes of a file but for the zeros at its end.
pub fn length(path: &Path) -> u64 {
    let bytes = std::fs::read(path).unwrap_or_default();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
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
