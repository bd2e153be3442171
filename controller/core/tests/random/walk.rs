//! One random walk: a world, a fleet, and what happens to both, line by line, as a script that can be kept.

use super::dice::Dice;
use super::fleet::Fleet;
use super::workflow::{start, workflow};
use crate::world::World;
use pulse_protocol::AgentName;

pub const AGENTS: [&str; 4] = ["a1", "a2", "a3", "a4"];

/// What may go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing: commands exit 0, people answer, messages arrive.
    Calm,
    /// Everything that can happen to those who keep their promises.
    Faults,
    /// And agents that say anything.
    Lies,
}

/// What came of a walk.
pub struct Walked {
    pub kind: Kind,
    pub end: &'static str,
    /// Workflows that were thrown away because they did not compile.
    pub refused: usize,
    pub lines: usize,
}

struct Walk {
    dice: Dice,
    world: World,
    fleet: Fleet,
    kind: Kind,
    loud: bool,
    lines: usize,
}

/// Walks through the world of a seed.
pub fn walk(seed: u64, loud: bool) -> Walked {
    let mut dice = Dice::new(seed);
    let kind = [Kind::Calm, Kind::Faults, Kind::Faults, Kind::Lies][dice.below(4)];
    let (world, refused, text) = world(&mut dice, kind == Kind::Calm);
    if loud {
        println!("{text}---");
    }
    let fleet = Fleet::new(&AGENTS, kind != Kind::Calm);
    let mut walk = Walk { dice, world, fleet, kind, loud, lines: 0 };
    walk.world.quiet = !loud;
    walk.live();
    while kind != Kind::Calm && matches!(walk.world.status(), "failed" | "cancelled") && walk.dice.once_in(2) {
        walk.say("retry");
        walk.days();
    }
    Walked { kind, end: walk.world.status(), refused, lines: walk.lines }
}

/// A world for the first workflow that compiles.
fn world(dice: &mut Dice, tame: bool) -> (World, usize, String) {
    for refused in 0..20 {
        let text = workflow(dice, tame);
        if let Some(world) = World::compiled(&text) {
            return (world, refused, text);
        }
    }
    panic!("twenty workflows in a row do not compile");
}

impl Walk {
    fn live(&mut self) {
        for agent in AGENTS {
            self.say(&format!("agent {agent} up"));
            self.say(&format!("agent {agent} label role=web"));
        }
        if self.dice.once_in(4) {
            self.say("ahead 2");
        }
        let start = start(&mut self.dice);
        self.say(&start);
        self.days();
    }

    /// Some time, and then healing.
    fn days(&mut self) {
        for _ in 0..self.dice.below(60) {
            match self.kind {
                Kind::Calm => self.calm(),
                Kind::Faults => self.fault(),
                Kind::Lies => self.lie(),
            }
        }
        self.heal();
        let end = self.world.status();
        assert!(matches!(end, "succeeded" | "failed" | "cancelled"), "I10: it ends {end}");
        if self.kind == Kind::Calm {
            assert_eq!(end, "succeeded", "I13: nothing went wrong, and it did not succeed");
        }
        // Late word of an execution that is over changes nothing that counts.
        for _ in 0..self.dice.below(5) {
            self.hear();
        }
        self.say("crash");
        if self.kind != Kind::Lies {
            self.fleet.judge(&self.world);
        }
    }

    /// Plays a line. It is printed first: the line after which it fails is the last one.
    fn say(&mut self, line: &str) {
        if self.loud {
            println!("> {line}");
        }
        let answer = self.world.play(line);
        if self.loud {
            print!("{answer}");
        }
        self.lines += 1;
        self.fleet.take(&mut self.dice, &mut self.world);
    }

    /// A line that now and then is lost, with or without being repeated.
    fn risk(&mut self, line: &str) {
        if self.kind != Kind::Calm && self.dice.once_in(20) {
            self.say(&format!("lost {line}"));
            if self.dice.once_in(2) {
                return;
            }
        }
        self.say(line);
    }

    fn agent(&mut self) -> AgentName {
        self.dice.pick(&AGENTS).parse().expect("a name")
    }

    /// What happens where nothing goes wrong.
    fn calm(&mut self) {
        match self.dice.below(8) {
            0 => self.tick(&["1s", "10s", "40s"]),
            1 if self.world.is_asking() => self.answer(),
            2..=4 => self.work(),
            _ => self.hear(),
        }
    }

    fn work(&mut self) {
        if let Some(line) = self.fleet.work(&mut self.dice) {
            self.risk(&line);
        }
    }

    fn hear(&mut self) {
        if let Some(line) = self.fleet.mail(&mut self.dice) {
            self.risk(&line);
        }
    }

    fn tick(&mut self, lengths: &[&str]) {
        let line = format!("tick {}", self.dice.pick(lengths));
        self.risk(&line);
    }

    /// One of those that are asked for.
    fn answer(&mut self) {
        let options = self.world.options();
        let line = format!("answer {} {}", options[self.dice.below(options.len())], self.dice.pick(&["adam", "eve"]));
        self.risk(&line);
        if self.kind != Kind::Calm && self.dice.once_in(3) {
            self.say(&line);
        }
    }

    fn fault(&mut self) {
        match self.dice.below(40) {
            0..=2 => self.tick(&["1s", "10s", "40s", "3m", "20m", "3h"]),
            3 | 4 => self.host(),
            5 => self.people(),
            6 => self.brake(),
            7 => self.say("crash"),
            8 => self.settle(),
            9 if self.dice.once_in(3) => {
                let line = format!("cancel {}", self.dice.pick(&["drain", "kill"]));
                self.risk(&line);
            }
            10 => {
                let line = format!("gone {}", self.dice.pick(&["5s", "10m", "2h"]));
                self.say(&line);
            }
            11 => {
                let line = format!("ahead {}", self.dice.pick(&["1", "none"]));
                self.say(&line);
            }
            12..=14 if self.world.is_asking() => self.answer(),
            15 => self.fleet.wire(&mut self.dice, &self.world),
            16 => {
                let agent = self.agent();
                self.exchange(&agent);
            }
            17..=26 => self.work(),
            _ => self.hear(),
        }
    }

    /// Something happens to a host.
    fn host(&mut self) {
        let agent = self.agent();
        let host = self.fleet.hosts.get_mut(&agent).expect("an agent");
        if host.revoked {
            return;
        }
        let line = match self.dice.below(15) {
            0..=3 => {
                host.up = false;
                format!("agent {agent} down")
            }
            4..=6 => {
                host.up = true;
                format!("agent {agent} up")
            }
            7 => format!("agent {agent} slots {}", self.dice.pick(&["0", "1", "5"])),
            8 => self.fleet.reboot(&agent),
            9 => self.fleet.lose_journal(&agent),
            10 | 11 => format!("agent {agent} {}", self.dice.pick(&["unlabel role", "label role=db"])),
            12 => {
                host.up = false;
                format!("agent {agent} quarantined")
            }
            13 if self.dice.once_in(3) => {
                (host.up, host.revoked) = (false, true);
                format!("agent {agent} revoked")
            }
            _ => return,
        };
        self.risk(&line);
        self.exchange(&agent);
    }

    fn exchange(&mut self, agent: &AgentName) {
        for line in self.fleet.exchange(&mut self.dice, &self.world, agent) {
            self.risk(&line);
        }
    }

    /// People say what they should not, or all at once.
    fn people(&mut self) {
        if !self.world.has_asked() {
            return;
        }
        let line = self.dice.pick(&[
            "answer Never eve",
            "answer Yes eve",
            "answer No adam",
            "race answer=Yes answer=No",
            "race answer=Yes answer=Yes",
            "race answer=No cancel",
            "race cancel answer=Yes",
        ]);
        // A cancel would end most walks early.
        if !line.contains("cancel") || self.dice.once_in(3) {
            self.risk(line);
        }
    }

    fn brake(&mut self) {
        let line = self.dice.pick(&[
            "resume",
            "resume",
            "pause all",
            "pause all 10m",
            "pause workflow/random 1m",
            "pause workflow/other",
            "pause agent/a1",
            "pause agent/a2 5m",
            "pause team=infra 20m",
            "pause team=web",
        ]);
        self.risk(line);
    }

    fn settle(&mut self) {
        if let Some(id) = self.world.unknown().first() {
            let line = format!("resolve {} {}", self.world.label(*id), self.dice.pick(&["succeeded", "failed"]));
            self.risk(&line);
        }
    }

    fn lie(&mut self) {
        let agent = self.agent();
        if self.dice.once_in(3) && self.world.newest(agent.as_str()).is_some() {
            let reports = [
                "accepted",
                "started",
                "exit 0",
                "exit 1",
                "signal 9",
                "timed_out",
                "cancelled",
                "not_started",
                "withdrawn",
                "unknown",
                "rebooted",
            ];
            let line = match self.dice.below(8) {
                0 => format!("absent {agent}"),
                1 => format!("resolve {agent} {}", self.dice.pick(&["succeeded", "failed"])),
                2 => format!("report {agent}@1 {}", self.dice.pick(&reports)),
                _ => format!("report {agent} {}", self.dice.pick(&reports)),
            };
            self.risk(&line);
        } else {
            self.fault();
        }
    }

    /// Agents come back and say all they know, people answer and settle, pauses end, its turn comes, time goes on.
    fn heal(&mut self) {
        for _ in 0..2000 {
            if matches!(self.world.status(), "succeeded" | "failed" | "cancelled") {
                return;
            }
            self.say("resume");
            self.say("ahead none");
            for agent in AGENTS {
                let name: AgentName = agent.parse().expect("a name");
                let host = self.fleet.hosts.get_mut(&name).expect("an agent");
                if !host.revoked {
                    host.up = true;
                    self.say(&format!("agent {agent} up"));
                    self.say(&format!("agent {agent} slots 5"));
                    self.say(&format!("agent {agent} label role=web"));
                    self.exchange(&name);
                }
            }
            self.empty();
            for id in self.world.unknown() {
                let line = format!("resolve {} {}", self.world.label(id), self.dice.pick(&["succeeded", "failed"]));
                self.say(&line);
            }
            if self.world.is_asking() {
                self.answer();
            }
            let length = self.dice.pick(&["tick 10h", "tick 11m", "tick 11m"]);
            self.say(length);
        }
    }

    /// Every job goes on, and everything that is under way arrives.
    fn empty(&mut self) {
        for _ in 0..12 {
            self.fleet.wire(&mut self.dice, &self.world);
            self.work();
            self.work();
            self.hear();
            self.hear();
            self.hear();
        }
    }
}
