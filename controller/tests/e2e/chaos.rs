//! Faults by dice while executions run: whatever happens, the oracle holds. The seed is said, and `PULSE_TEST_SEED` throws the same dice
//! again; the machine's timing is its own, so a repetition is near, not exact.
//!
//! The rig is two controllers behind one address, each reaching a MariaDB of the scene's own through a network of its own, and three
//! agents, each behind a network of its own. [`plan`] says which fault comes when, [`lanes`] do it, [`traffic`] goes on meanwhile,
//! [`watch`] looks at what is said of executions and settles what is unknown, and [`oracle`] judges once all is healed.

mod dice;
mod lanes;
mod oracle;
mod plan;
mod rig;
mod single;
mod tally;
mod traffic;
mod verdict;
mod watch;

use crate::harness::full;
use plan::Plan;
use rig::Rig;
use std::io::Write;
use std::time::Duration;
use tally::Tally;

/// The dice's seed: the one that was given, or another one each time.
fn seed() -> u64 {
    let given = number("PULSE_TEST_SEED");
    let seed = given.unwrap_or_else(|| u64::from(uuid::Uuid::new_v4().as_fields().0));
    say(&format!("PULSE_TEST_SEED={seed}"));
    seed
}

/// How long faults come.
fn length() -> Duration {
    Duration::from_secs(number("PULSE_TEST_SECONDS").unwrap_or(if full() { 600 } else { 20 }))
}

/// A setting of the run; nothing is none.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

/// A line for whoever watches.
fn say(line: &str) {
    drop(writeln!(std::io::stderr(), "e2e chaos: {line}"));
}

#[test]
fn a_pair_on_mariadb_keeps_every_promise_whatever_breaks() {
    let (seed, length) = (seed(), length());
    let plan = Plan::new(seed, length);
    let (mut rig, tally) = (Rig::new(), Tally::new());
    rig.run(&plan, &tally, seed);
    let verdicts = oracle::judge(&rig, &tally, length);
    say(&verdict::table(&verdicts, &tally, seed, length));
    let broken: Vec<_> = verdicts.iter().filter(|verdict| verdict.is_broken()).map(|verdict| verdict.name).collect();
    assert!(broken.is_empty(), "seed {seed} breaks {broken:?}; the table above says how");
}
