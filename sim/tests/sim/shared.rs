//! What everybody in the world touches: time, dice, database, network, and the judge.

use crate::db::Db;
use crate::dice::Dice;
use crate::judge::Judge;
use crate::net::Net;
use pulse_core::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The wall clock at the beginning, microseconds.
const BEGINNING: i64 = 1_700_000_000_000_000;

/// What may go wrong in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing: commands exit 0, messages arrive, nobody dies.
    Calm,
    /// Processes die, hosts reboot, links stall, clocks jump, commits fail or are unclear.
    Faults,
    /// And single frames are lost, doubled and swapped, which no TCP does.
    Unruly,
    /// And the database is restored from a backup.
    Restored,
    /// And disks are copied and put back.
    Twins,
}

pub struct Shared {
    pub dice: Dice,
    pub kind: Kind,
    /// What may happen in this world, by bits: no world has every fault, so that some live long with a few.
    swarm: usize,
    /// How much rarer faults are in this world.
    rare: usize,
    /// The database takes its time: a commit gets through once in so many tries.
    pub slow: usize,
    /// How much happens before a while passes in which nothing does.
    pub busy: usize,
    /// True time since the beginning, microseconds.
    pub now: i64,
    pub db: Db,
    pub net: Net,
    pub judge: Judge,
    /// The world is being healed: nothing goes wrong any more.
    pub healing: bool,
    pub steps: u64,
    pub faults: BTreeMap<&'static str, u32>,
    ids: u128,
    loud: bool,
    /// Some controller's clock was set back.
    pub steady: bool,
}

impl Shared {
    pub fn new(seed: u64, loud: bool) -> Self {
        let mut dice = Dice::new(seed);
        let kinds =
            [Kind::Calm, Kind::Faults, Kind::Faults, Kind::Faults, Kind::Unruly, Kind::Unruly, Kind::Restored, Kind::Twins];
        let kind = kinds[dice.below(kinds.len())];
        let (swarm, rare) = (dice.below(1 << 16), [1, 2, 6][dice.below(3)]);
        let (slow, busy) = ([1, 1, 30][dice.below(3)], [1, 3, 12][dice.below(3)]);
        Self {
            dice,
            kind,
            swarm,
            rare,
            slow,
            busy,
            now: 0,
            db: Db::default(),
            net: Net::default(),
            judge: Judge::default(),
            healing: false,
            steps: 0,
            faults: BTreeMap::new(),
            ids: 0,
            loud,
            steady: true,
        }
    }

    /// A line of the trace.
    pub fn say(&self, line: impl FnOnce() -> String) {
        if self.loud {
            println!("{:>10.3} s  {}", self.now as f64 / 1e6, line());
        }
    }

    /// Whether something goes wrong here, once in so many times; it is counted and told.
    pub fn fault(&mut self, what: &'static str, once_in: usize) -> bool {
        let so = self.may_fail() && self.dice.once_in(once_in * self.rare);
        if so {
            self.note_fault(what);
        }
        so
    }

    /// Whether a misfortune may strike now, and which of so many.
    pub fn misfortune(&mut self, kinds: usize) -> Option<usize> {
        if !self.may_fail() || !self.dice.once_in(self.rare) {
            return None;
        }
        let which = self.dice.below(kinds);
        (self.swarm >> (which % 16) & 1 == 1).then_some(which)
    }

    pub fn note_fault(&mut self, what: &'static str) {
        *self.faults.entry(what).or_default() += 1;
        self.say(|| format!("!! {what}"));
    }

    pub fn may_fail(&self) -> bool {
        self.kind != Kind::Calm && !self.healing
    }

    /// The wall clock that is off by so much.
    pub fn wall(&self, offset: i64) -> Timestamp {
        Timestamp(BEGINNING + self.now + offset)
    }

    /// A fresh id; later ones are greater, as those that sort by time.
    pub fn fresh(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids << 80)
    }
}

/// An id as the trace shows it.
pub fn short(id: Uuid) -> String {
    format!("#{}", id.as_u128() >> 80)
}
