//! The contract bites: each bug that can be planted in the store is caught by a test of the suite.

use crate::planted_runs::is_caught;
use pulse_protocol::planted::Bug;

/// The bug, the test that catches it, and what that says.
type Caught = (Bug, &'static str, &'static str);

/// Where statements and locks of the engine decide.
const OF_THE_ENGINE: [Caught; 4] = [
    (Bug::NoFence, "a_stale_epoch_writes_nothing", "right: Err(Fenced"),
    (Bug::NoFence, "a_replaced_controller_settles_nothing", "Ok(())"),
    (Bug::ClaimTwice, "one_workflow_has_one_holder_of_its_claim", "right: Err(ClaimTaken"),
    (Bug::SlotTwice, "two_hundred_at_once_fire_a_slot_once", "left: 20"),
];

/// Where the writer decides, on whatever engine.
const OF_THE_WRITER: [Caught; 6] = [
    (Bug::PromptTwice, "of_256_items_only_the_one_whose_prompt_is_over_fails", "right: Err(Stale"),
    (Bug::ClaimTwice, "claims_move_from_one_execution_to_another", "right: Err(Stale"),
    (Bug::ClaimTwice, "a_place_in_a_queue_is_taken_once", "right: Err(ClaimTaken"),
    (Bug::SlotTwice, "a_settled_slot_is_not_settled_again", "right: Err(SlotTaken"),
    (Bug::NeighboursDropped, "of_256_items_only_the_stale_one_fails", "right: Ok(())"),
    (Bug::NeighboursDropped, "of_many_fires_only_the_overtaken_one_fails", "right: Ok(())"),
];

fn are_caught(engine: &str, bugs: &[Caught]) {
    for (bug, test, words) in bugs {
        is_caught(*bug, &format!("{engine}::{test}"), words, &[]);
    }
}

#[test]
fn every_planted_bug_is_caught() {
    are_caught("sqlite", &[&OF_THE_ENGINE[..], &OF_THE_WRITER].concat());
}

#[test]
fn those_of_the_engine_are_caught_on_mariadb() {
    are_caught("mariadb", &OF_THE_ENGINE);
}
