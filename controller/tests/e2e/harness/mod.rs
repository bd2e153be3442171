//! What the tests stand on: a scene with a controller, agents and a folder of manifests, all in one temporary folder, every
//! process ended when the scene goes.

mod agent;
mod api;
mod binaries;
mod controller;
mod database;
mod forge;
mod front;
mod gate;
mod inspector;
mod people;
mod port;
mod process;
mod relay;
mod scene;
mod sweep;
mod witness;

pub use agent::Agent;
pub use api::{Api, Attempt, Raw, attempts, errors};
pub use binaries::{agent as agent_program, controller as controller_program, pulse};
pub use controller::Controller;
pub use database::{Database, Engine, OwnServer, own_server, own_server_with};
pub use forge::Forge;
pub use front::Front;
pub use gate::Gate;
pub use inspector::Inspector;
pub use port::free as free_port;
pub use process::{Process, Resources, is_alive};
pub use relay::{Relay, Way};
pub use scene::{Scene, manifest, step, with};
pub use sweep::{attempts_alive, processes_of, processes_of_attempt, sweep};
pub use witness::Witness;

use std::time::{Duration, Instant};

/// The tests of a file that run on both engines of the store: each is a function of the engine.
macro_rules! on_both {
    ($($test:ident)*) => {
        mod sqlite {
            $(#[test]
            fn $test() {
                super::$test(crate::harness::Engine::Sqlite);
            })*
        }
        mod mariadb {
            $(#[test]
            fn $test() {
                super::$test(crate::harness::Engine::MariaDb);
            })*
        }
    };
}
pub(crate) use on_both;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(40);

const LOOK: Duration = Duration::from_millis(20);

/// Whether what takes longer shall run, too.
pub fn full() -> bool {
    std::env::var("PULSE_TEST_FULL").is_ok_and(|value| value == "1")
}

/// Looks again and again until there is something; fails with `what` when it takes too long.
#[track_caller]
pub fn wait<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look)
}

/// The same with a limit of its own.
#[track_caller]
pub fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < limit, "waited {limit:?} in vain for {what}");
        std::thread::sleep(LOOK);
    }
}
