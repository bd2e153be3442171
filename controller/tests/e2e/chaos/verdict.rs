//! One verdict for each invariant, and the table of them.

use super::tally::Tally;
use super::watch::ends;
use std::fmt::Write;
use std::time::Duration;

/// How many violations of one invariant are shown.
const SHOWN: usize = 8;

/// Whether an invariant holds.
pub struct Verdict {
    /// Its number in the fault catalogue.
    pub name: &'static str,
    /// What it says.
    pub says: &'static str,
    /// What was compared.
    pub seen: String,
    /// What contradicts it.
    pub broken: Vec<String>,
}

impl Verdict {
    /// Whether anything contradicts it.
    pub fn is_broken(&self) -> bool {
        !self.broken.is_empty()
    }
}

/// The table.
pub fn table(verdicts: &[Verdict], tally: &Tally, seed: u64, length: Duration) -> String {
    let counts = tally.counts();
    let faults: u32 = counts.faults.values().sum();
    let mut text = format!("verdicts of seed {seed}, {} s, {faults} faults\n", length.as_secs());
    for (kind, times) in &counts.faults {
        line(&mut text, format_args!("  {times:>4} {kind}"));
    }
    line(&mut text, format_args!("  processes that ended by themselves: {}", ends(&counts)));
    for (who, peak) in &counts.peak {
        line(&mut text, format_args!("  {who:<13} at most {:>4} MiB, {:>4} files", peak.memory_kib / 1024, peak.files.len()));
    }
    for Verdict { name, says, seen, broken } in verdicts {
        let word = if broken.is_empty() { "holds" } else { "BROKEN" };
        line(&mut text, format_args!("  {name:<4} {word:<6} {says}: {seen}"));
        for what in broken.iter().take(SHOWN) {
            line(&mut text, format_args!("              {what}"));
        }
        if broken.len() > SHOWN {
            line(&mut text, format_args!("              and {} more", broken.len() - SHOWN));
        }
    }
    text
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    writeln!(text, "{what}").expect("text grows");
}
