//! Which fault comes when. It is made of the seed and the length alone.

use super::dice::Dice;
use crate::harness::Way;
use std::time::Duration;

/// How many agents there are.
pub const AGENTS: usize = 3;
/// How many controllers there are.
pub const CONTROLLERS: usize = 2;

/// What is done to a process that is one of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL to a controller; it is started again.
    KillController(usize),
    /// SIGKILL to both.
    KillControllers,
    /// SIGSTOP, and SIGCONT, also after its leases are over.
    FreezeController(usize),
    /// SIGKILL to an agent; it is started again.
    KillAgent(usize),
    /// SIGSTOP and SIGCONT.
    FreezeAgent(usize),
    /// SIGKILL to an agent's shims. What they supervised goes on alone.
    KillShims(usize),
    /// SIGSTOP and SIGCONT.
    FreezeShims(usize),
    /// Everything on an agent's host ends, and it comes back with another boot id.
    Reboot(usize),
    /// A network misbehaves.
    Network(Line, Trouble),
    /// The database is stopped, and started.
    StopDatabase,
    /// SIGKILL to the database; it is started again.
    KillDatabase,
    /// SIGSTOP and SIGCONT.
    FreezeDatabase,
    /// The database may only be read.
    ReadOnly,
    /// The database's disk is full.
    DiskFull,
}

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Between an agent and the address before the controllers.
    Agent(usize),
    /// Between a controller and the database.
    Database(usize),
}

/// How it misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// All connections break.
    Cut,
    /// Everything is late by this.
    Delay(Duration),
    /// Nothing comes through one way: the connection is half open.
    HalfOpen(Way),
    /// Nothing comes through.
    Silence,
}

impl Fault {
    /// Whether controllers are killed or stand still.
    pub const fn is_of_controllers(self) -> bool {
        matches!(self, Self::KillController(_) | Self::KillControllers | Self::FreezeController(_))
    }

    /// Whether a controller that is ready may yet be unable to write, or slow at it.
    pub const fn is_of_database(self) -> bool {
        matches!(
            self,
            Self::Network(Line::Database(_), _)
                | Self::StopDatabase
                | Self::KillDatabase
                | Self::FreezeDatabase
                | Self::ReadOnly
                | Self::DiskFull
        )
    }

    /// How it is called in counts.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::KillController(_) => "controller killed",
            Self::KillControllers => "both controllers killed",
            Self::FreezeController(_) => "controller frozen",
            Self::KillAgent(_) => "agent killed",
            Self::FreezeAgent(_) => "agent frozen",
            Self::KillShims(_) => "shims killed",
            Self::FreezeShims(_) => "shims frozen",
            Self::Reboot(_) => "host rebooted",
            Self::Network(Line::Agent(_), trouble) => match trouble {
                Trouble::Cut => "agent's network cut",
                Trouble::Delay(_) => "agent's network slow",
                Trouble::HalfOpen(_) => "agent's network half open",
                Trouble::Silence => "agent's network silent",
            },
            Self::Network(Line::Database(_), trouble) => match trouble {
                Trouble::Cut => "database's network cut",
                Trouble::Delay(_) => "database's network slow",
                Trouble::HalfOpen(_) => "database's network half open",
                Trouble::Silence => "database's network silent",
            },
            Self::StopDatabase => "database restarted",
            Self::KillDatabase => "database killed",
            Self::FreezeDatabase => "database frozen",
            Self::ReadOnly => "database read-only",
            Self::DiskFull => "database's disk full",
        }
    }
}

/// A fault, when it begins, counted from the first, and how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// When.
    pub at: Duration,
    /// How long.
    pub lasts: Duration,
    /// What.
    pub fault: Fault,
}

/// The faults of a run, in lanes that go side by side. Within a lane one fault follows the other.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// Those of controllers.
    pub controllers: Vec<Planned>,
    /// Those of agents, shims and hosts.
    pub fleet: Vec<Planned>,
    /// Those of networks.
    pub network: Vec<Planned>,
    /// Those of the database.
    pub database: Vec<Planned>,
    length: Duration,
}

impl Plan {
    /// That of this seed.
    pub fn new(seed: u64, length: Duration) -> Self {
        Self {
            controllers: lane(Dice::new(seed, 1), length, (3, 10), controllers),
            fleet: lane(Dice::new(seed, 2), length, (1, 4), fleet),
            network: lane(Dice::new(seed, 3), length, (2, 6), network),
            database: lane(Dice::new(seed, 4), length, (4, 12), database),
            length,
        }
    }

    /// How long the run is without faults before the first one: a third of the rest, within bounds.
    pub fn quiet(&self) -> Duration {
        (self.length / 3).clamp(Duration::from_secs(6), Duration::from_secs(60))
    }
}

/// One lane: `calm` is how many seconds it is without a fault, at least and at most.
fn lane(mut dice: Dice, length: Duration, calm: (u64, u64), throw: fn(&mut Dice) -> (Fault, Duration)) -> Vec<Planned> {
    let mut planned = Vec::new();
    // The first comes soon, so that a short run has some of every lane.
    let mut at = dice.milliseconds(0, 3000);
    while at < length {
        let (fault, lasts) = throw(&mut dice);
        let lasts = lasts.min(length - at);
        planned.push(Planned { at, lasts, fault });
        at += lasts + dice.milliseconds(calm.0 * 1000, calm.1 * 1000);
    }
    planned
}

/// A second at least; the most is rare.
fn mostly_short(dice: &mut Dice, most: u64) -> Duration {
    dice.milliseconds(1000, most).min(dice.milliseconds(1000, most))
}

fn controllers(dice: &mut Dice) -> (Fault, Duration) {
    let one = dice.place(CONTROLLERS);
    match dice.below(5) {
        0 | 1 => (Fault::KillController(one), dice.milliseconds(0, 4000)),
        2 => (Fault::KillControllers, dice.milliseconds(0, 2000)),
        _ => (Fault::FreezeController(one), mostly_short(dice, 15_000)),
    }
}

fn fleet(dice: &mut Dice) -> (Fault, Duration) {
    let one = dice.place(AGENTS);
    match dice.below(8) {
        0..=2 => (Fault::KillAgent(one), dice.milliseconds(0, 3000)),
        3 => (Fault::FreezeAgent(one), mostly_short(dice, 15_000)),
        4 | 5 => (Fault::KillShims(one), Duration::ZERO),
        6 => (Fault::FreezeShims(one), dice.milliseconds(500, 5000)),
        _ => (Fault::Reboot(one), dice.milliseconds(200, 3000)),
    }
}

fn network(dice: &mut Dice) -> (Fault, Duration) {
    let line = match dice.below(3) {
        0 => Line::Database(dice.place(CONTROLLERS)),
        _ => Line::Agent(dice.place(AGENTS)),
    };
    let (trouble, lasts) = match dice.below(6) {
        0 | 1 => (Trouble::Cut, Duration::ZERO),
        2 => (Trouble::Delay(dice.milliseconds(50, 500)), mostly_short(dice, 10_000)),
        3 => (Trouble::HalfOpen(Way::There), mostly_short(dice, 20_000)),
        4 => (Trouble::HalfOpen(Way::Back), mostly_short(dice, 20_000)),
        _ => (Trouble::Silence, mostly_short(dice, 20_000)),
    };
    (Fault::Network(line, trouble), lasts)
}

fn database(dice: &mut Dice) -> (Fault, Duration) {
    match dice.below(5) {
        0 => (Fault::StopDatabase, dice.milliseconds(0, 4000)),
        1 => (Fault::KillDatabase, dice.milliseconds(0, 4000)),
        2 => (Fault::FreezeDatabase, dice.milliseconds(1000, 6000)),
        3 => (Fault::ReadOnly, dice.milliseconds(2000, 8000)),
        _ => (Fault::DiskFull, dice.milliseconds(2000, 8000)),
    }
}

#[test]
fn a_seed_has_one_plan_and_another_seed_another() {
    let minute = Duration::from_secs(60);
    assert_eq!(Plan::new(7, minute), Plan::new(7, minute));
    assert_ne!(Plan::new(7, minute), Plan::new(8, minute));
    let whole = Plan::new(7, minute);
    for lane in [&whole.controllers, &whole.fleet, &whole.network, &whole.database] {
        assert!(!lane.is_empty() && lane.iter().all(|planned| planned.at + planned.lasts <= minute), "{lane:?}");
    }
}
