//! How a world is healed, and what must hold once all is quiet.

use crate::net::Link;
use crate::shared::Kind;
use crate::world::{AGENTS, Outcome, World};
use std::collections::BTreeMap;

impl World {
    /// Nothing goes wrong any more; everybody comes back and does what is to be done, until all is said and done.
    pub fn heal(&mut self) {
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
            // Beyond a day in all: what a clock that was set forward has put off comes due only then.
            self.s.now += match rounds {
                ..200 => 1_000_000,
                200..1000 => 20_000_000,
                _ => 200_000_000,
            };
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
    pub fn judge(self) -> Outcome {
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
