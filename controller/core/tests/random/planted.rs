//! The walks bite: each bug that can be planted in the core's decisions about an execution is caught within the worlds that every run of
//! the tests walks through, and by the check that is named here.

use super::walk::walk;
use pulse_protocol::planted::{Bug, plant};
use std::any::Any;

/// As many as `make test` walks through.
const SEEDS: u64 = 2000;

/// The bug, and a part of what the check says that catches it.
const CAUGHT: [(Bug, &str); 4] = [
    (Bug::TimerTwice, "it times out twice, or after a cancel"),
    (Bug::UnknownAgain, "was begun while"),
    (Bug::PromptTwice, "I8"),
    (Bug::ClaimTwice, "a slot was taken twice"),
];

/// The first seed that fails with this bug, and the words of the check.
fn hunt(bug: Bug) -> Option<(u64, String)> {
    plant(Some(bug));
    let caught = (1..=SEEDS).find_map(|seed| Some((seed, words(std::panic::catch_unwind(|| walk(seed, false)).err()?.as_ref()))));
    plant(None);
    caught
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default().to_owned()
}

#[test]
fn every_planted_bug_is_caught() {
    for (bug, check) in CAUGHT {
        let (seed, said) = hunt(bug).unwrap_or_else(|| panic!("{bug:?} was not caught in {SEEDS} worlds"));
        println!("{:<16} seed {seed:>4}  {said}", format!("{bug:?}"));
        assert!(said.contains(check), "{bug:?} was caught by something else, at seed {seed}: {said}");
    }
}
