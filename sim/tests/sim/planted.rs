//! The simulation bites: each planted bug is caught within the seeds that every run of the tests plays, and what caught it is printed.

use crate::world::World;
use pulse_protocol::planted::{Bug, plant};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// The seed that caught a bug, and the words of the check.
type Caught = Option<(u64, String)>;

pub fn hunt(bug: Bug, seeds: u64) -> Caught {
    crate::HUNTS.set(true);
    plant(Some(bug));
    let caught = (1..=seeds).find_map(|seed| {
        let end = catch_unwind(AssertUnwindSafe(|| World::new(seed, false, Instant::now()).run()));
        end.err().map(|panic| (seed, words(panic.as_ref())))
    });
    plant(None);
    crate::HUNTS.set(false);
    caught
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    line.split_once("failed: ").map_or(line, |(_, words)| words).to_owned()
}

#[test]
fn every_planted_bug_is_caught() {
    crate::quiet();
    let only = std::env::var("BUG").ok();
    let bugs: Vec<Bug> =
        Bug::ALL.into_iter().filter(|bug| only.as_ref().is_none_or(|only| format!("{bug:?}") == *only)).collect();
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found: Vec<(Bug, Caught)> = std::thread::scope(|scope| {
        let work = || {
            let mut found = Vec::new();
            while let Some(bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                found.push((*bug, hunt(*bug, crate::number("SEEDS").unwrap_or(crate::SEEDS))));
            }
            found
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread that catches")).collect()
    });
    found.sort();
    for (bug, caught) in &found {
        match caught {
            Some((seed, words)) => println!("{:<24} seed {seed:>4}  {words}", format!("{bug:?}")),
            None => println!("{:<24} NOT CAUGHT in {} seeds", format!("{bug:?}"), crate::SEEDS),
        }
    }
    assert!(found.iter().all(|(_, caught)| caught.is_some()), "a planted bug was not caught");
}
