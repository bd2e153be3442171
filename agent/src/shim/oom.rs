//! Whom the kernel ends where memory is short: the command, and neither the shim that has to say so nor the agent.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;

/// A thousandth of the memory each; with so much more on its account even a small process of the command goes before the agent.
const STEP: i32 = 100;
const MOST: i32 = 1000;

/// Puts this process before the agent, whose score it has inherited. Between fork and exec: no memory is taken.
pub fn go_first() -> io::Result<()> {
    let mut score = File::options().read(true).write(true).open("/proc/self/oom_score_adj")?;
    let mut own = [0; 16];
    let length = score.read(&mut own)?;
    let mut text = [0; 16];
    let mut rest = text.as_mut_slice();
    write!(rest, "{}", before(&own[..length]))?;
    let length = 16 - rest.len();
    score.write_at(&text[..length], 0).map(drop)
}

/// Also an agent that is kept from being ended does not keep its commands from it.
fn before(own: &[u8]) -> i32 {
    let own: i32 = std::str::from_utf8(own).ok().and_then(|own| own.trim().parse().ok()).unwrap_or_default();
    (own.max(0) + STEP).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::before;

    #[test]
    fn a_command_goes_before_its_agent() {
        for (own, expected) in [("0\n", 100), ("-1000\n", 100), ("300\n", 400), ("950\n", 1000), ("", 100)] {
            assert_eq!(before(own.as_bytes()), expected, "{own:?}");
        }
    }
}
