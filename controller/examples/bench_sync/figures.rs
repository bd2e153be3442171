//! Figures beside their limits, and what the machine was doing meanwhile.

use std::process::Command;
use std::time::Duration;

/// What is printed, line by line.
pub struct Report {
    /// Figures that missed their limits.
    pub missed: usize,
}

/// Times, sorted.
pub struct Times(Vec<Duration>);

impl Times {
    /// Of at least one.
    pub fn new(mut times: Vec<Duration>) -> Self {
        assert!(!times.is_empty(), "nothing was measured");
        times.sort();
        Self(times)
    }

    /// The time that so many of a hundred do not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent).div_ceil(100).max(1) - 1]
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        self.0[self.0.len() - 1]
    }
}

impl Report {
    /// Says where it is measured.
    pub fn begin() -> Self {
        let commit =
            Command::new("git").args(["describe", "--always", "--dirty"]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
        let commit = commit.map_or_else(|_| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        println!("commit {commit}, {cores} cores");
        Self { missed: 0 }
    }

    /// A scenario begins.
    pub fn scenario(&self, what: &str) {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        println!("\n{what} (load {} at its start)", load.split(' ').next().unwrap_or("unknown"));
    }

    /// A time that should stay below a limit.
    pub fn time(&mut self, what: &str, time: Duration, limit: Option<Duration>) {
        let verdict = limit.map(|limit| (format!("< {}", shown(limit)), time < limit));
        self.line(what, &shown(time), verdict);
    }

    /// The usual percentiles; p50 and p99 have limits.
    pub fn times(&mut self, what: &str, times: &Times, p50: Option<Duration>, p99: Option<Duration>) {
        self.time(&format!("{what}, p50 of {}", times.0.len()), times.percentile(50), p50);
        self.time(&format!("{what}, p90"), times.percentile(90), None);
        self.time(&format!("{what}, p99"), times.percentile(99), p99);
        self.time(&format!("{what}, slowest"), times.max(), None);
    }

    /// A number that should not exceed a limit.
    pub fn count(&mut self, what: &str, count: usize, limit: Option<usize>) {
        self.line(what, &count.to_string(), limit.map(|limit| (format!("<= {limit}"), count <= limit)));
    }

    /// Something without a limit.
    pub fn fact(&mut self, what: &str, text: &str) {
        self.line(what, text, None);
    }

    fn line(&mut self, what: &str, figure: &str, verdict: Option<(String, bool)>) {
        let (limit, word) = match verdict {
            Some((limit, true)) => (limit, "ok"),
            Some((limit, false)) => {
                self.missed += 1;
                (limit, "MISSED")
            }
            None => (String::new(), ""),
        };
        println!("{}", format!("  {what:<58} {figure:>12}  {limit:<11} {word}").trim_end());
    }
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
