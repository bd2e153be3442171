//! One world: who acts next, what goes wrong, and how it is healed.

use crate::controller::Controller;
use crate::db::{AgentRow, Db};
use crate::host::Host;
use crate::net::Link;
use crate::people::People;
use crate::shared::{Kind, Shared};
use std::collections::BTreeMap;
use std::time::Instant;
use tempfile::TempDir;

const AGENTS: [&str; 3] = ["a1", "a2", "a3"];

/// What came of a world.
pub struct Outcome {
    pub kind: Kind,
    pub steps: u64,
    pub faults: BTreeMap<&'static str, u32>,
    pub ends: BTreeMap<&'static str, usize>,
    pub starts: usize,
    pub unheard: usize,
    pub again: usize,
}

pub struct World {
    s: Shared,
    controllers: Vec<Controller>,
    hosts: Vec<Host>,
    people: People,
    backup: Option<Db>,
    image: Option<(usize, TempDir)>,
    last_controller: u32,
    /// When the next controller may be started by whoever watches over them.
    respawn: i64,
}

impl World {
    pub fn new(seed: u64, loud: bool, base: Instant) -> Self {
        let mut s = Shared::new(seed, loud);
        for name in AGENTS {
            s.db.agents.insert(name.parse().expect("a name"), AgentRow::default());
        }
        let hosts = AGENTS.iter().enumerate().map(|(id, name)| Host::new(id, name.parse().expect("a name"), base)).collect();
        let people = People::new(&mut s);
        s.say(|| format!("a world of {:?}", s.kind));
        Self { s, controllers: vec![], hosts, people, backup: None, image: None, last_controller: 0, respawn: 0 }
    }

    /// Lives, heals, and answers what came of it. Everything that must hold is asserted on the way.
    pub fn run(mut self) -> Outcome {
        for host in &mut self.hosts {
            if self.s.may_fail() && self.s.dice.once_in(5) {
                let years = i64::try_from(self.s.dice.below(20)).expect("few") - 10;
                host.wrong_by = years * 365 * 24 * 3600;
            }
            host.start(&mut self.s);
        }
        let (wishes, length) = (1 + self.s.dice.below(6), 400 + self.s.dice.below(1200));
        for step in 0..length {
            if step % (length / wishes + 1) == 0 {
                self.people.wish(&mut self.s);
            }
            self.step();
        }
        self.heal();
        self.judge()
    }

    fn step(&mut self) {
        self.s.steps += 1;
        self.s.now += 1000 + i64::try_from(self.s.dice.below(20_000)).expect("short");
        // Whoever has nothing to do gives its turn to somebody else.
        for _ in 0..4 {
            let busy = match self.s.dice.below(21) {
                0..=6 => self.control(),
                7..=10 => self.deliver(true),
                11..=14 => self.deliver(false),
                15..=17 => self.host_step(),
                _ => self.shim_step(),
            };
            if busy {
                break;
            }
        }
        match self.s.dice.below(24) {
            0 | 1 if self.s.dice.once_in(self.s.busy) => self.pass_time(),
            2 => self.people_step(),
            3 => self.misfortune(),
            4 if self.s.dice.once_in(4) => self.unstall(),
            _ => {}
        }
        self.tick();
    }

    fn control(&mut self) -> bool {
        if self.controllers.is_empty() {
            return false;
        }
        let place = self.s.dice.below(self.controllers.len());
        let controller = &mut self.controllers[place];
        if controller.frozen || controller.dead {
            return false;
        }
        let busy = match self.s.dice.below(3) {
            0 => controller.admit(&mut self.s) || controller.finish(&mut self.s) || controller.step(&mut self.s),
            1 => controller.finish(&mut self.s) || controller.step(&mut self.s),
            _ => controller.step(&mut self.s) || controller.admit(&mut self.s) || controller.finish(&mut self.s),
        };
        let answers = std::mem::take(&mut controller.answers);
        // An answer may be lost on its way; the request is repeated.
        if !answers.is_empty() && !self.s.fault("answer to a request is lost", 8) {
            self.people.hear(&self.s, answers);
        }
        busy
    }

    /// A frame arrives, or the news that the other end has closed.
    fn deliver(&mut self, up: bool) -> bool {
        let links: Vec<Link> = self.s.net.conns.keys().copied().collect();
        if links.is_empty() {
            return false;
        }
        let link = links[self.s.dice.below(links.len())];
        self.deliver_on(link, up)
    }

    fn deliver_on(&mut self, link: Link, up: bool) -> bool {
        if self.s.kind == Kind::Unruly && !self.s.healing {
            self.unruly(link, up);
        }
        let Some(conn) = self.s.net.conns.get(&link) else { return false };
        let (host, controller) = (conn.host, conn.controller);
        if up {
            let Some(controller) = self.controllers.iter_mut().find(|own| own.id == controller && !own.dead) else {
                self.s.net.close_controller(link);
                return true;
            };
            if controller.frozen {
                return false;
            }
            let Some(frame) = self.s.net.hear_up(link) else { return false };
            controller.hear(&mut self.s, link, frame);
        } else {
            let Some(frame) = self.s.net.hear_down(link) else { return false };
            self.hosts[host].hear(&mut self.s, link, frame);
        }
        true
    }

    /// Frames of one session that are lost, doubled or swapped; the handshake is left alone.
    fn unruly(&mut self, link: Link, up: bool) {
        let what = match self.s.dice.below(30) {
            4..=6 if !up => return self.old_frame(link),
            0 => "frame lost",
            1 | 2 => "frame doubled",
            3 if !up => "frames swapped",
            _ => return,
        };
        let Some(conn) = self.s.net.conns.get_mut(&link) else { return };
        let queue = if up { &mut conn.up } else { &mut conn.down };
        let loose = |frame: &String| {
            ["\"report\"", "\"assign\"", "\"acknowledge\"", "\"output\""].iter().any(|kind| frame.contains(kind))
        };
        // A picture says what is not there: late or lost it is harmless, but it may not overtake.
        if queue.is_empty() || !loose(&queue[0]) {
            return;
        }
        match what {
            "frame lost" => drop(queue.pop_front()),
            "frame doubled" if !up || !queue[0].contains("\"full\":true") => {
                let copy = queue[0].clone();
                queue.push_back(copy);
            }
            "frames swapped" if queue.len() > 1 && loose(&queue[1]) => queue.swap(0, 1),
            _ => return,
        }
        self.s.note_fault(what);
    }

    /// Something that was said long ago in this session comes again.
    fn old_frame(&mut self, link: Link) {
        let Some(conn) = self.s.net.conns.get_mut(&link) else { return };
        let assigns: Vec<&String> = conn.old.iter().filter(|frame| frame.contains("\"assign\"")).collect();
        if !assigns.is_empty() {
            let frame = assigns[self.s.dice.below(assigns.len())].clone();
            conn.down.push_back(frame);
            self.s.note_fault("frame comes late, again");
        }
    }

    fn host_step(&mut self) -> bool {
        let place = self.s.dice.below(self.hosts.len());
        self.host_step_of(place)
    }

    fn host_step_of(&mut self, place: usize) -> bool {
        let host = &mut self.hosts[place];
        if !host.is_up() {
            if self.s.dice.once_in(4) || self.s.healing {
                host.start(&mut self.s);
            }
            return true;
        }
        if host.wants_link(&self.s) {
            let ready = self.controllers.iter_mut().filter(|own| !own.dead && !own.frozen).max_by_key(|own| own.lease);
            match ready {
                Some(controller) => {
                    let link = self.s.net.open(place, controller.id);
                    controller.accept(&self.s, link);
                    host.connect(&mut self.s, link);
                }
                None => host.no_link(&self.s),
            }
            return true;
        }
        host.step(&mut self.s)
    }

    fn shim_step(&mut self) -> bool {
        let place = self.s.dice.below(self.hosts.len());
        self.hosts[place].shim_step(&mut self.s)
    }

    fn pass_time(&mut self) {
        let length = self.s.dice.pick(&["100", "100", "1000", "1000", "4000", "15000", "40000"]);
        let length = if self.s.may_fail() { length } else { "300" };
        self.s.now += length.parse::<i64>().expect("a number") * 1000;
    }

    fn people_step(&mut self) {
        let Some(controller) = self.controllers.iter_mut().filter(|own| !own.dead && !own.frozen).max_by_key(|own| own.lease)
        else {
            return;
        };
        self.people.ask(&mut self.s, controller);
        if self.s.dice.once_in(3) {
            self.people.meddle(&mut self.s, controller);
        }
    }

    fn tick(&mut self) {
        for controller in &mut self.controllers {
            controller.tick(&mut self.s);
        }
        self.controllers.retain(|controller| !controller.dead);
        for host in &mut self.hosts {
            host.tick(&mut self.s);
        }
        let nobody = !self.controllers.iter().any(|own| own.lease == self.s.db.lease.epoch && !own.frozen);
        if nobody && self.s.now >= self.s.db.lease.until && self.s.now >= self.respawn {
            self.last_controller += 1;
            let controller = Controller::boot(&mut self.s, self.last_controller, 0);
            self.controllers.push(controller);
        }
        self.bounds();
    }

    /// I12: nothing grows without bound.
    fn bounds(&self) {
        if self.s.steps.is_multiple_of(64) {
            self.s.judge.check_output(&self.s.db, false);
        }
        assert!(self.s.net.most < 5000, "I12: a link's queue grows");
        for controller in &self.controllers {
            assert!(controller.inbox_len() < 5000, "I12: an inbox grows");
            assert!(controller.ingests.len() < 2000, "I12: reports pile up");
        }
    }

    fn kill_controller(&mut self, place: usize) {
        let controller = self.controllers.remove(place);
        for link in controller.sessions.keys() {
            // Frames under way may still arrive; nobody says more.
            self.s.net.close_controller(*link);
        }
        self.respawn = self.s.now + 500_000;
    }

    fn misfortune(&mut self) {
        let Some(which) = self.s.misfortune(16) else { return };
        let place = self.s.dice.below(self.hosts.len());
        match which {
            0 | 1 if !self.controllers.is_empty() => {
                let place = self.s.dice.below(self.controllers.len());
                self.s.note_fault("controller is killed");
                self.kill_controller(place);
            }
            2 if !self.controllers.is_empty() => {
                let place = self.s.dice.below(self.controllers.len());
                let controller = &mut self.controllers[place];
                controller.frozen = !controller.frozen;
                if controller.frozen {
                    self.s.note_fault("controller stands still");
                } else {
                    controller.thaw(&self.s);
                }
            }
            3 if self.s.dice.once_in(3) && !self.controllers.is_empty() => self.jump(),
            4 => {
                self.s.note_fault("agent is killed");
                self.hosts[place].kill_agent(&mut self.s);
            }
            5 => {
                self.s.note_fault("shim is killed");
                self.hosts[place].kill_shim(&mut self.s);
            }
            6 => {
                self.s.note_fault("host reboots");
                self.hosts[place].reboot(&mut self.s, false);
            }
            7 => {
                self.s.note_fault("power cut");
                self.hosts[place].reboot(&mut self.s, true);
            }
            8 => {
                self.s.note_fault("journal is deleted");
                let everything = self.s.dice.once_in(2);
                let name = self.hosts[place].name.clone();
                self.s.judge.forgot.insert(name.clone());
                if everything {
                    self.s.judge.wiped.insert(name);
                }
                self.hosts[place].wipe(&mut self.s, everything);
                if self.s.dice.once_in(2) {
                    self.hosts[place].start(&mut self.s);
                }
            }
            9 => self.stall(),
            10 | 11 => self.half_open(place),
            12 => {
                self.s.note_fault("connection breaks");
                if let Some(link) = self.hosts[place].link()
                    && let Some(conn) = self.s.net.conns.get_mut(&link)
                {
                    conn.down.clear();
                    conn.controller_open = false;
                    for controller in &mut self.controllers {
                        controller.close(&mut self.s, link);
                    }
                }
            }
            _ if self.s.kind == Kind::Restored => self.restore(),
            _ if self.s.kind == Kind::Twins => self.copy_disk(place),
            _ => {}
        }
    }

    fn jump(&mut self) {
        let place = self.s.dice.below(self.controllers.len());
        let hour = 3_600_000_000;
        let by = [hour, -hour, 24 * hour, -24 * hour, 30_000_000, -30_000_000][self.s.dice.below(6)];
        self.controllers[place].offset += by;
        self.s.note_fault(if by < 0 { "clock is set back" } else { "clock is set forward" });
        self.s.steady &= by > 0;
        // Also a later controller has a clock of its own, which is right again.
        self.s.steady = false;
    }

    /// The agent gives a link up while what it has said there is still under way.
    fn half_open(&mut self, place: usize) {
        let Some(conn) = self.hosts[place].link().and_then(|link| self.s.net.conns.get_mut(&link)) else { return };
        conn.up_stalled = true;
        if conn.up.is_empty() {
            self.hosts[place].say_picture(&mut self.s);
        }
        self.s.note_fault("link is half open");
        self.hosts[place].hang_up(&mut self.s, 0);
    }

    fn unstall(&mut self) {
        for conn in self.s.net.conns.values_mut() {
            (conn.up_stalled, conn.down_stalled) = (false, false);
        }
    }

    fn stall(&mut self) {
        let links: Vec<Link> = self.s.net.conns.keys().copied().collect();
        if links.is_empty() {
            return;
        }
        let link = links[self.s.dice.below(links.len())];
        let conn = self.s.net.conns.get_mut(&link).expect("a link");
        if conn.up_stalled || conn.down_stalled {
            (conn.up_stalled, conn.down_stalled) = (false, false);
            return;
        }
        (conn.up_stalled, conn.down_stalled) = [(true, true), (true, false), (false, true)][self.s.dice.below(3)];
        self.s.note_fault("link stalls");
    }

    /// A backup is made, or put back: every controller is stopped before, as docs/mariadb.md says.
    fn restore(&mut self) {
        match self.backup.take() {
            None => self.backup = Some(self.s.db.clone()),
            Some(backup) => {
                self.s.note_fault("database is restored");
                while !self.controllers.is_empty() {
                    self.kill_controller(0);
                }
                let lease = self.s.db.lease.clone();
                self.s.db = backup;
                self.s.db.lease.until = lease.until.min(self.s.now);
                self.s.judge.restored(&self.s.db);
            }
        }
    }

    /// A disk is copied to another host, or put back as it was.
    fn copy_disk(&mut self, place: usize) {
        match self.image.take() {
            Some((of, image)) => {
                self.s.note_fault("disk is put back");
                let name = self.hosts[of].name.clone();
                self.s.judge.copied.insert(name.clone());
                self.s.judge.forgot.insert(name.clone());
                self.s.judge.wiped.insert(name);
                self.hosts[of].put_back(&mut self.s, image.path());
            }
            None if self.s.dice.once_in(2) => self.image = Some((place, self.hosts[place].save())),
            None if self.hosts.len() < 5 => {
                self.s.note_fault("disk is cloned");
                self.s.judge.copied.insert(self.hosts[place].name.clone());
                self.s.judge.forgot.insert(self.hosts[place].name.clone());
                let twin = self.hosts[place].twin(self.hosts.len());
                self.hosts.push(twin);
            }
            None => {}
        }
    }

    /// Nothing goes wrong any more; everybody comes back and does what is to be done, until all is said and done.
    fn heal(&mut self) {
        self.s.healing = true;
        self.s.say(|| "-- healing".into());
        // The clones are found by a person, who turns them off.
        for host in self.hosts.split_off(AGENTS.len()) {
            let mut host = host;
            host.reboot(&mut self.s, false);
        }
        self.unstall();
        for controller in &mut self.controllers {
            controller.offset = 0;
            if std::mem::take(&mut controller.frozen) {
                controller.thaw(&self.s);
            }
        }
        let mut rounds = 0;
        let mut quiet = 0;
        while quiet < 60 {
            rounds += 1;
            self.s.now += if rounds < 200 { 1_000_000 } else { 20_000_000 };
            self.round();
            let over = self.s.db.executions.values().all(|row| row.terminal) && self.people.waiting.is_empty();
            quiet = if over { quiet + 1 } else { 0 };
            if rounds > 1500 {
                let open = self.s.db.executions.iter().filter(|(_, row)| !row.terminal);
                let open: Vec<_> = open.map(|(id, row)| format!("{} {}", crate::shared::short(id.0), row.status)).collect();
                panic!("I10: after everything is healed it does not end: {open:?}");
            }
        }
    }

    /// Everybody does everything that is to be done now.
    fn round(&mut self) {
        self.s.steps += 1;
        self.tick();
        for row in self.s.db.agents.values_mut() {
            // A person has looked, and lets the agent in again with the journal that it has.
            if row.quarantine.take().is_some() {
                (row.incarnation, row.sequence) = (None, 0);
            }
        }
        if let Some(controller) = self.controllers.iter_mut().max_by_key(|own| own.lease) {
            self.people.ask(&mut self.s, controller);
            let open: Vec<_> = self.s.db.executions.iter().filter(|(_, row)| !row.terminal).map(|(id, _)| *id).collect();
            for id in open {
                self.people.attend(&mut self.s, controller, id);
            }
        }
        for _ in 0..400 {
            let mut busy = false;
            for place in 0..self.controllers.len() {
                let controller = &mut self.controllers[place];
                busy |= controller.admit(&mut self.s) | controller.finish(&mut self.s) | controller.step(&mut self.s);
                let answers = std::mem::take(&mut controller.answers);
                self.people.hear(&self.s, answers);
            }
            let links: Vec<Link> = self.s.net.conns.keys().copied().collect();
            for link in links {
                busy |= self.deliver_on(link, true) | self.deliver_on(link, false);
            }
            for place in 0..self.hosts.len() {
                busy |= self.host_step_of(place);
                busy |= self.hosts[place].shim_step(&mut self.s);
            }
            if !busy {
                return;
            }
        }
    }

    /// What must hold once all is quiet.
    fn judge(self) -> Outcome {
        let s = &self.s;
        s.judge.check_output(&s.db, true);
        assert!(s.db.claims.is_empty(), "I10: claims are left: {:?}", s.db.claims);
        for (attempt, row) in &s.db.attempts {
            let settled = !row.open || s.db.over.contains(attempt);
            assert!(settled, "I10: {} is open and its execution is over", crate::shared::short(attempt.0));
        }
        for host in &self.hosts {
            for (attempt, ended) in host.known() {
                let id = crate::shared::short(attempt.0);
                if s.judge.lost.contains(&attempt) {
                    assert!(s.judge.orphans.contains(&attempt), "D8: {} has {id}, and nobody was told", host.name);
                } else {
                    assert!(ended, "I9: the agent still holds {id} for open");
                }
            }
        }
        for host in self.hosts.iter().filter(|host| !s.judge.forgot.contains(&host.name) && !s.judge.was_restored) {
            let left = host.leftovers();
            assert!(left.is_empty(), "I12: {} keeps the files of {left:?} for ever", host.name);
        }
        let mut ends: BTreeMap<&'static str, usize> = BTreeMap::new();
        for row in s.db.executions.values() {
            *ends.entry(row.status).or_default() += 1;
        }
        let total: usize = ends.values().sum();
        let good = ends.get("succeeded").copied().unwrap_or_default();
        if s.kind == Kind::Calm {
            assert_eq!(good, total, "I13: nothing went wrong, and not everything succeeded");
        }
        let answered = self.people.answered.len();
        assert!(total >= answered || s.judge.was_restored, "I2: a request's execution is gone");
        let (starts, unheard, again) = (s.judge.starts, s.judge.unheard, s.judge.again);
        Outcome { kind: s.kind, steps: s.steps, faults: self.s.faults.clone(), ends, starts, unheard, again }
    }
}
