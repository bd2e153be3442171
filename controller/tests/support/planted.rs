//! Runs a test of this very binary once more, as a process with a planted bug: the check that the test is must fail, in its own words.

use pulse_protocol::planted::{Bug, SETTING};
use std::process::Command;
use std::time::Instant;

/// The check `test` catches the bug, and says these words. `more` is what the process has in its environment besides.
#[expect(clippy::disallowed_methods, reason = "how long it takes is told to people")]
pub fn is_caught(bug: Bug, test: &str, words: &str, more: &[(&str, &str)]) {
    let begun = Instant::now();
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    // What takes longer is not asked: it is to be caught in the normal run.
    command.args(["--exact", test]).env(SETTING, format!("{bug:?}")).env_remove("PULSE_TEST_FULL").envs(more.iter().copied());
    let output = command.output().expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("running 1 test"), "no test is named {test}:\n{said}");
    assert!(!output.status.success(), "{bug:?} was not caught by {test}:\n{said}");
    assert!(said.contains(words), "{test} failed with {bug:?}, and not by its check `{words}`:\n{said}");
    println!("{bug:?}: caught by {test} in {:.1} s", begun.elapsed().as_secs_f64());
}
