//! One process that a scene started. Only such processes are ever killed by number.

use super::{wait, within};
use pulse_protocol::planted::SETTING;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A running program with its log.
pub struct Process {
    child: Child,
    log: PathBuf,
}

/// What a process holds of the machine.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Resources {
    /// Resident memory, KiB.
    pub memory_kib: u64,
    /// What its open file descriptors lead to, in order.
    pub files: Vec<String>,
}

impl Process {
    /// Starts a program in an environment that holds nothing but what is said here.
    pub fn start(program: &Path, arguments: &[&str], environment: &[(String, String)], log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("NO_COLOR", "1");
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        // A bug that is planted in the tests is planted in every process of theirs.
        command.envs(std::env::var(SETTING).map(|bug| (SETTING, bug)));
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        Self { child, log: log.to_owned() }
    }

    fn id(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// What it holds now, while it lives.
    pub fn resources(&self) -> Option<Resources> {
        let folder = format!("/proc/{}", self.id());
        let status = std::fs::read_to_string(format!("{folder}/status")).ok()?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let memory_kib = memory.split_whitespace().next()?.parse().ok()?;
        let target = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_link(entry.ok()?.path()).ok();
        let targets = std::fs::read_dir(format!("{folder}/fd")).ok()?.filter_map(target);
        let mut files: Vec<String> = targets.map(|target| target.display().to_string()).collect();
        files.sort_unstable();
        Some(Resources { memory_kib, files })
    }

    /// Everything it and its predecessors said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its end, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let name = self.log.display().to_string();
        wait(&format!("the end of the process that logs to {name}"), || self.ended())
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// SIGKILL, without waiting.
    pub fn kill(&mut self) {
        // A process that has ended already is what was wanted.
        drop(self.child.kill());
    }

    /// SIGTERM, and waits for its end.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        drop(self.child.wait());
    }
}

/// Sends a signal to a process of this scene.
pub fn signal(pid: i32, name: &str) {
    // The process may have ended meanwhile.
    drop(Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).stderr(Stdio::null()).status());
}

/// Waits until a process that is no child of ours is gone; a zombie is gone.
pub fn wait_gone(pid: i32) {
    within(Duration::from_secs(10), &format!("the end of process {pid}"), || (!is_alive(pid)).then_some(()));
}

/// Whether a process runs.
pub fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
