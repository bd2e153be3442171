//! The core's decisions and the agent's own worker in one seeded world of faults. No modelled agent: what both say to each other, and
//! what each keeps, is the real code; only sockets, SQL, processes and clocks are played. docs/reliability.md says what is judged.
//!
//! `SEEDS=n` plays n worlds, `SEED=k` one alone, which it prints line by line. `PULSE_TEST_FULL=1` plays many.

mod agent;
#[path = "../../../controller/core/tests/checker/mod.rs"]
mod checker;
mod controller;
mod db;
#[path = "../../../controller/core/tests/random/dice.rs"]
mod dice;
mod heal;
mod host;
mod judge;
mod machine;
mod misfortune;
mod net;
mod people;
mod planted;
mod session;
mod shared;
mod shim;
mod trace;
mod world;

use shared::Kind;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use world::{Outcome, World};

#[derive(Default)]
struct Sum {
    worlds: BTreeMap<Kind, u64>,
    steps: u64,
    starts: usize,
    unheard: usize,
    again: usize,
    faults: BTreeMap<&'static str, u32>,
    ends: BTreeMap<(Kind, &'static str), usize>,
}

impl Sum {
    fn add(&mut self, outcome: Outcome) {
        *self.worlds.entry(outcome.kind).or_default() += 1;
        self.steps += outcome.steps;
        self.starts += outcome.starts;
        self.unheard += outcome.unheard;
        self.again += outcome.again;
        outcome.faults.into_iter().for_each(|(what, count)| *self.faults.entry(what).or_default() += count);
        outcome.ends.into_iter().for_each(|(end, count)| *self.ends.entry((outcome.kind, end)).or_default() += count);
    }

    /// A run in which nothing happened would hold every promise.
    fn floor(&self) {
        let worlds: u64 = self.worlds.values().sum();
        assert!(self.starts as u64 >= 5 * worlds, "I13: too few commands were started");
        for kind in [Kind::Calm, Kind::Faults, Kind::Unruly, Kind::Restored, Kind::Twins] {
            let of_kind = self.ends.iter().filter(|((of, _), _)| *of == kind);
            let (good, all) = of_kind.fold((0, 0), |(good, all), ((_, end), count)| {
                (good + if *end == "succeeded" { *count } else { 0 }, all + count)
            });
            assert!(good * 3 >= all && all > 0, "I13: of {all} executions in worlds of {kind:?} only {good} succeeded");
        }
        for what in FAULTS {
            assert!(self.faults.contains_key(what), "no world ever had this fault: {what}");
        }
    }

    fn print(&self, seconds: f64) {
        let count: u64 = self.worlds.values().sum();
        println!("{count} worlds, {} steps, {} commands started, {seconds:.1} s", self.steps, self.starts);
        println!("worlds: {:?}", self.worlds);
        println!("ends:   {:?}", self.ends);
        let faults: u32 = self.faults.values().sum();
        println!("faults: {faults}");
        self.faults.iter().for_each(|(what, count)| println!("{count:>9}  {what}"));
        println!("limits: {} commands of copied disks that nobody had heard of ran twice", self.unheard);
        println!("        {} commands ran again under another attempt after a restore", self.again);
    }
}

/// What must have happened somewhere.
const FAULTS: [&str; 22] = [
    "agent is killed",
    "agent is killed while it starts",
    "answer to a request is lost",
    "clock is set back",
    "clock is set forward",
    "command cannot be spawned",
    "commit fails",
    "commit is unclear",
    "connection breaks",
    "controller is killed",
    "controller stands still",
    "database is restored",
    "disk is cloned",
    "disk is put back",
    "frame doubled",
    "frame lost",
    "host reboots",
    "journal is deleted",
    "link is half open",
    "link stalls",
    "power cut",
    "shim is killed",
];

/// Worlds that every run of the tests plays.
const SEEDS: u64 = 600;

thread_local! {
    /// A panic is what this thread hopes for.
    static HUNTS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Deaths at failpoints are no news, and neither is what a hunt catches.
fn quiet() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.payload().is::<machine::Killed>() && !HUNTS.get() {
                before(info);
            }
        }));
    });
}

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

#[test]
fn whatever_happens_the_promises_hold_and_healing_ends_it() {
    quiet();
    if let Some(seed) = number("SEED") {
        let outcome = World::new(seed, true, Instant::now()).run();
        println!("{:?} {:?}", outcome.kind, outcome.ends);
        return;
    }
    let full = std::env::var_os("PULSE_TEST_FULL").is_some();
    let seeds = number("SEEDS").unwrap_or(if full { 20_000 } else { SEEDS });
    let begun = Instant::now();
    let (next, sum) = (AtomicU64::new(1), Mutex::new(Sum::default()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let failed = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(|| play(&next, seeds, &sum))).collect();
        threads.into_iter().filter_map(|thread| thread.join().expect("a thread that catches")).min()
    });
    let sum = sum.into_inner().expect("no panic holds it");
    sum.print(begun.elapsed().as_secs_f64());
    if let Some(seed) = failed {
        panic!("seed {seed} fails; SEED={seed} make sim plays it alone, line by line");
    }
    println!("verdict: every promise held");
    if seeds >= SEEDS {
        sum.floor();
    }
}

/// Plays until there are no seeds left; the first one that fails here.
fn play(next: &AtomicU64, seeds: u64, sum: &Mutex<Sum>) -> Option<u64> {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed > seeds {
            return None;
        }
        match catch_unwind(AssertUnwindSafe(|| World::new(seed, false, Instant::now()).run())) {
            Ok(outcome) => sum.lock().expect("no panic holds it").add(outcome),
            Err(_) => {
                next.store(seeds + 1, Ordering::Relaxed);
                return Some(seed);
            }
        }
    }
}
