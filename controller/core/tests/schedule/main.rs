//! Schedules from outside: their slots against a walk through every minute, and their decisions against an independent checker.

mod bench;
mod catch_up;
mod daylight;
mod oracle;
mod pauses;
mod planted;
mod policies;
mod random;
mod runs;
mod slots;
