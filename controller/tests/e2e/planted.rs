//! The end-to-end tests bite: with a planted bug in controller, agent and shims, rows of the kill matrix that every run plays fail.

use crate::planted_runs::is_caught;
use pulse_protocol::planted::Bug;

#[test]
fn what_is_sent_before_its_commit_is_caught_by_the_kill_matrix() {
    let case = [("PULSE_TEST_CASE", "controller.commit.before First kill C")];
    let test = "kill_matrix::sqlite::kill_minus_nine_at_every_point_starts_nothing_twice";
    is_caught(Bug::SendBeforeCommit, test, "expected NotAccepted", &case);
}
