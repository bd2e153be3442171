//! Finds the programs under test: all in the folder where cargo put `pulse-controller`.

use std::path::PathBuf;

const BUILD: &str = "cargo build -p pulse-agent -p pulse-cli";

/// `pulse-controller`, built with this test.
pub fn controller() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_pulse-controller"))
}

/// `pulse-agent`.
pub fn agent() -> PathBuf {
    neighbour("pulse-agent")
}

/// `pulse`.
pub fn pulse() -> PathBuf {
    neighbour("pulse")
}

fn neighbour(name: &str) -> PathBuf {
    let path = controller().with_file_name(name);
    assert!(path.is_file(), "{} is not built; run this first: {BUILD}", path.display());
    path
}
