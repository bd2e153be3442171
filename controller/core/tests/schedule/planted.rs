//! The checker of schedules bites: a slot that is settled again is caught in the lives that every run of the tests lives.

use crate::random;
use proptest::test_runner::{Config, TestError, TestRunner};
use pulse_protocol::planted::{Bug, plant};

#[test]
fn a_slot_that_is_settled_twice_is_caught() {
    plant(Some(Bug::SlotTwice));
    let config = Config { cases: random::LIVES, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let lived = TestRunner::new(config).run(&random::lives(), |(rules, rhythm, start, happenings)| {
        random::live(&rules, rhythm, start, &happenings);
        Ok(())
    });
    plant(None);
    let Err(TestError::Fail(why, _)) = lived else { panic!("it was not caught: {lived:?}") };
    assert!(why.message().contains("settled twice or out of order"), "it was caught by something else: {why}");
}
