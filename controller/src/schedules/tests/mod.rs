//! The scheduler on a real store, in virtual time: every look is the loop's own, only the clock stands still until it is set.

pub(crate) mod bench;
mod catch_up;
mod faults;
mod pauses;
mod policies;
mod race;
#[path = "../../../store/src/test_database.rs"]
mod test_database;
