//! When to look at a source again without any hint.

use std::time::Duration;

/// Before the first look after one that failed; each further failure doubles it, up to the poll.
pub const FIRST_RETRY: Duration = Duration::from_secs(5);

/// How long to wait after a look. `dice` is a random number; it shortens the wait by up to a fifth, so that many controllers do not
/// look in the same instant, and none of them later than the poll says. What only a person can mend (`stalled`) is looked at once
/// more soon, in case the fault was ours, such as a damaged mirror; then at every poll.
pub fn until_next_look(failures: u32, stalled: bool, poll: Duration, dice: u16) -> Duration {
    let wait = match failures.checked_sub(1) {
        None => poll,
        Some(1..) if stalled => poll,
        Some(doublings) => FIRST_RETRY.saturating_mul(1 << doublings.min(20)).min(poll),
    };
    wait.mul_f64(0.8 + 0.2 * f64::from(dice) / f64::from(u16::MAX))
}
