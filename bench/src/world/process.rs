//! A child process: its log, what it costs, its end.

use anyhow::{Context, bail, ensure};
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running program; it is killed when this is dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program with this environment alone; what it says goes to `log`.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        settings: &[(&str, String)],
        log: PathBuf,
    ) -> anyhow::Result<Self> {
        let file = File::create(&log)?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("NO_COLOR", "1");
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { child, log })
    }

    /// An error if it has ended.
    pub fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended with {status}:\n{}", self.said()),
        }
    }

    /// What it has said.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Resident memory, KiB.
    pub fn memory_kib(&self) -> anyhow::Result<f64> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS in status")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// Time on a CPU so far, its children's not counted; the kernel counts in hundredths of a second.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        self.ticks().map(|[own, _]| Duration::from_millis(own * 10))
    }

    /// The same with all descendants, such as an agent's fork server and its shims, living and ended.
    pub fn cpu_of_all(&self) -> anyhow::Result<Duration> {
        let [own, ended] = self.ticks()?;
        Ok(Duration::from_millis((own + ended + children(self.child.id())) * 10))
    }

    fn ticks(&self) -> anyhow::Result<[u64; 2]> {
        ticks(&self.proc("stat")?).context("a strange stat")
    }

    /// Ends it at once.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn proc(&self, name: &str) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id()))?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.kill());
    }
}

/// What a process's living children and theirs have used so far, with what has ended below them. One that ends meanwhile counts with its parent's.
fn children(pid: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let pids = lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>());
    let used = |pid| {
        let [own, ended] = ticks(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
        Some(own + ended + children(pid))
    };
    pids.filter_map(used).sum()
}

/// `utime` with `stime`, and the children's, of a `stat`; the name in parentheses may hold anything.
fn ticks(stat: &str) -> Option<[u64; 2]> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<u64> = rest.split_ascii_whitespace().skip(11).map_while(|field| field.parse().ok()).collect();
    Some([fields.first()? + fields.get(1)?, fields.get(2)? + fields.get(3)?])
}

/// A program beside this one.
pub fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.is_file(), "{} is missing; use `make bench`, which builds it", path.display());
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn ticks_are_read_behind_any_name() {
        assert_eq!(ticks("7 (a b) c) S 1 7 7 0 -1 4194304 90 0 0 0 12 30 1 2 20 0 1"), Some([42, 3]));
        assert_eq!(ticks("7 (a"), None);
    }
}
