//! The walks and the scripts bite: each bug that can be planted in the core's decisions about an execution is caught within the worlds that
//! every run of the tests walks through, or by a script, and by the check that is named here.

use super::walk::walk;
use pulse_protocol::planted::{Bug, plant};
use std::any::Any;

/// As many as `make test` walks through.
const SEEDS: u64 = 2000;

/// The bug, and what the check says that catches it: a part of it, for each check that may be the first.
const CAUGHT: [(Bug, &[&str]); 3] = [
    (Bug::TimerTwice, &["it times out twice, or after a cancel"]),
    (Bug::UnknownAgain, &["was begun while", "P2"]),
    (Bug::PromptTwice, &["I8", "I3: PromptAnswered"]),
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
    for (bug, checks) in CAUGHT {
        let (seed, said) = hunt(bug).unwrap_or_else(|| panic!("{bug:?} was not caught in {SEEDS} worlds"));
        println!("{:<16} seed {seed:>4}  {said}", format!("{bug:?}"));
        assert!(checks.iter().any(|check| said.contains(check)), "{bug:?} was caught by something else, at seed {seed}: {said}");
    }
}

/// A walk has one execution, which wants one slot of each agent; the scripts have an agent with a single slot.
#[test]
fn a_slot_that_is_taken_again_is_caught_by_a_script() {
    let kept = include_str!("../scenarios/slots-full.txt");
    plant(Some(Bug::ClaimTwice));
    let played = crate::world::play(kept);
    plant(None);
    let differ = kept.lines().zip(played.lines()).find(|(kept, played)| kept != played).expect("another answer");
    assert_eq!(differ.0, "  = running, wake in 30s", "it waits for the slot: {differ:?}");
    assert!(differ.1.contains("attempt_assigned"), "it takes the slot that is still held: {differ:?}");
}
