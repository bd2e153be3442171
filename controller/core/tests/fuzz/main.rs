//! Torn texts: whatever stands in a manifest's words or in a command's output, its reader answers, and its errors point into it.
//!
//! `FUZZ_SECONDS` says how long each loop runs (2 unless said), `FUZZ_SEED` repeats a run whose seed was printed.

mod template;
mod words;

use std::time::{Duration, Instant, SystemTime};

/// Numbers that a seed decides (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    /// Up to so many pieces in a row.
    fn text(&mut self, pieces: &[&str], most: usize) -> String {
        (0..=self.roll(most)).map(|_| pieces[self.roll(pieces.len())]).collect()
    }
}

/// Gives texts of these pieces to the check until the time is over; a panic names the seed and the text.
#[expect(clippy::disallowed_methods, reason = "the run's length and seed come from outside, and its end is real time")]
fn fuzz(pieces: &[&str], most: usize, check: impl Fn(&str)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
    let seed = number("FUZZ_SEED").unwrap_or_else(clock) | 1;
    let end = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(2));
    println!("FUZZ_SEED={seed}");
    let (mut dice, mut runs) = (Dice(seed), 0_u64);
    while Instant::now() < end {
        for _ in 0..100 {
            let text = dice.text(pieces, most);
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&text)));
            assert!(outcome.is_ok(), "FUZZ_SEED={seed}, run {runs}: {text:?}");
            runs += 1;
        }
    }
    println!("{runs} texts");
}
