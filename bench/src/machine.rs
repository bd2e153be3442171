//! Where it is measured, and what else the machine has to do.

use crate::figures::Times;
use anyhow::Context;
use serde::Serialize;
use std::fmt;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a quiet moment is waited for, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(150);
const LOOK: Duration = Duration::from_secs(2);
/// The load below which a scenario begins.
const QUIET: f64 = 1.0;

/// Where it is measured.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// The commit, `-dirty` with changes.
    pub commit: String,
    /// The CPU's name.
    pub cpu: String,
    /// How many.
    pub cores: usize,
    /// The kernel's release.
    pub kernel: String,
    /// The file system under the temporary folder.
    pub disk: String,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let cpuinfo = read("/proc/cpuinfo");
        let cpu =
            cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("unknown", |(_, n)| n);
        Self {
            commit: said("git", &["describe", "--always", "--dirty", "--exclude", "*"]),
            cpu: cpu.to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            disk: said("stat", &["--file-system", "--format=%T", &std::env::temp_dir().to_string_lossy()]),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { commit, cpu, cores, kernel, disk } = self;
        write!(f, "commit {commit}; {cores} cores ({cpu}), Linux {kernel}, {disk}")
    }
}

/// What is written there must be written to a disk.
pub fn demand_a_disk() -> anyhow::Result<()> {
    let folder = std::env::temp_dir();
    let disk = said("stat", &["--file-system", "--format=%T", &folder.to_string_lossy()]);
    let message = "lies in memory, where nothing is durable: set TMPDIR to a folder on a disk";
    anyhow::ensure!(!matches!(disk.as_str(), "tmpfs" | "ramfs"), "{} {message}", folder.display());
    Ok(())
}

/// The load (1 minute).
pub fn load() -> f64 {
    read("/proc/loadavg").split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(f64::NAN)
}

/// Waits for a quiet moment, and says the load then.
pub fn quiet_load() -> f64 {
    let begun = Instant::now();
    while load() >= QUIET && begun.elapsed() < PATIENCE {
        std::thread::sleep(LOOK);
    }
    load()
}

/// A time of the clock that all processes of this machine share (CLOCK_MONOTONIC).
pub fn now() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Raises the number of open files to what is allowed: thousands of agents are thousands of sockets, here and in the controller.
pub fn allow_sockets(wanted: u64) -> anyhow::Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let allowed = limit.maximum;
    limit.current = Some(wanted);
    // Only root may raise the hard limit, too.
    limit.maximum = allowed.map(|allowed| allowed.max(wanted));
    let most = allowed.unwrap_or(0);
    setrlimit(Resource::Nofile, limit)
        .with_context(|| format!("{wanted} open files are needed, {most} are allowed: raise the hard limit (ulimit -Hn)"))
}

/// How long each of so many calls takes.
pub fn time_each(count: usize, mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Times> {
    let one = |_| {
        let begun = Instant::now();
        work().map(|()| begun.elapsed())
    };
    Times::new((0..count).map(one).collect::<anyhow::Result<_>>()?)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// What a program says, on one line.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    if said.is_empty() { "unknown".to_owned() } else { said }
}
