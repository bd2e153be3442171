//! The checks of sessions bite: each bug that can be planted in what a controller hears of its agents is caught.

use crate::planted_runs::is_caught;
use pulse_protocol::planted::Bug;

#[test]
fn every_planted_bug_is_caught() {
    for (bug, test, words) in [
        (Bug::OutputUnstored, "output_is_acknowledged_once_it_is_stored", "output was acknowledged and is not stored"),
        (
            Bug::AcknowledgeBeforeCommit,
            "an_end_is_acknowledged_once_it_is_committed",
            "an end was acknowledged and is not committed",
        ),
        (Bug::StaleEpoch, "what_an_older_session_says_changes_nothing", "an old picture gave up what runs"),
    ] {
        is_caught(bug, &format!("agents::session::get::{test}"), words, &[]);
    }
}
