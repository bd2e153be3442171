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

pub const AGENTS: [&str; 3] = ["a1", "a2", "a3"];

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
    pub s: Shared,
    pub controllers: Vec<Controller>,
    pub hosts: Vec<Host>,
    pub people: People,
    pub backup: Option<Db>,
    /// A copy of a host's disk.
    pub image: Option<(usize, TempDir)>,
    last_controller: u32,
    /// When the next controller may be started by whoever watches over them.
    pub respawn: i64,
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

    pub fn deliver_on(&mut self, link: Link, up: bool) -> bool {
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

    fn host_step(&mut self) -> bool {
        let place = self.s.dice.below(self.hosts.len());
        self.host_step_of(place)
    }

    pub fn host_step_of(&mut self, place: usize) -> bool {
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

    pub fn tick(&mut self) {
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
}
