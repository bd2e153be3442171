//! Makes the command's process: its arguments, environment and folder. An error from here is proof that nothing
//! of the command ran.

use super::cgroup::Cgroup;
use super::launch::Launch;
use crate::folder::{AttemptDir, WORK};
use crate::users::Account;
use pulse_protocol::CommandSpec;
use pulse_protocol::files::is_inside;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Pid;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Longest script that is given as an argument; Linux takes 128 KiB in one.
const MAX_INLINE: usize = 64 * 1024;
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command that runs.
pub struct Child {
    /// Its first process.
    pub leader: Pid,
    /// What it writes.
    pub pipes: [OwnedFd; 2],
}

/// Starts the command in its work folder, where its files lie already. The reason of a failure is one sentence for people.
pub fn spawn(spec: &CommandSpec, account: Option<&Account>, dir: &AttemptDir, cgroup: Option<&Cgroup>) -> Result<Child, String> {
    let work = dir.file(WORK);
    let argv = arguments(spec, account, dir)?;
    let program = argv.first().ok_or("the command has no program")?;
    let cwd = spec.cwd.as_deref().map_or(work.as_path(), Path::new);
    if !cwd.is_dir() {
        return Err(format!("the working folder {} is not there", cwd.display()));
    }
    let own = [
        ("PATH", OsStr::new(SEARCH_PATH)),
        ("LANG", OsStr::new("C.UTF-8")),
        ("HOME", account.map_or(home(), |account| account.home.as_path()).as_os_str()),
    ];
    let given = spec.env.iter().map(|(name, value)| (name.as_str(), OsStr::new(value)));
    let environment = own.into_iter().chain(given).chain([("PULSE_WORKDIR", work.as_os_str())]);
    let environment = environment.map(|(name, value)| (OsString::from(name), value.to_owned()));
    let started = (|| {
        let [(stdout, out), (stderr, err)] = [pipe_with(PipeFlags::CLOEXEC)?, pipe_with(PipeFlags::CLOEXEC)?];
        let launch = Launch::new(argv.clone(), environment, cwd, [&out, &err], account)?;
        // Opened only where it is needed.
        let leader = launch.start(cgroup.map(|cgroup| cgroup.folder.as_fd()), || cgroup.and_then(Cgroup::procs))?;
        Ok(Child { leader, pipes: [stdout, stderr] })
    })();
    started.map_err(|error: io::Error| match interpreter(spec, program) {
        Some(named) if error.kind() == ErrorKind::NotFound => {
            format!("cannot run {program:?}: the program that its first line names is not on this host: {named:?}")
        }
        _ => format!(
            "cannot run {program:?}{}: {error}",
            account.map_or_else(String::new, |account| format!(" as {}", account.name))
        ),
    })
}

/// The whole argument list: the script file with its arguments, or the script's text, at its end.
fn arguments(spec: &CommandSpec, account: Option<&Account>, dir: &AttemptDir) -> Result<Vec<OsString>, String> {
    let mut argv: Vec<OsString> = spec.argv.iter().map(OsString::from).collect();
    if let Some(script) = &spec.script_file {
        let path = dir.file(WORK).join(&script.path);
        if !is_inside(&script.path) || !path.is_file() {
            return Err(format!("the script {:?} did not come with the command", script.path));
        }
        argv.push(path.into());
        argv.extend(script.args.iter().map(OsString::from));
    } else if spec.script.len() <= MAX_INLINE {
        argv.push(spec.script.clone().into());
    } else {
        let path = dir.file("script");
        write_new(&path, spec.script.as_bytes(), account).map_err(|e| format!("cannot write the script: {e}"))?;
        if argv.last().is_some_and(|last| last == "-c") {
            argv.pop();
        }
        argv.push(path.into());
    }
    Ok(argv)
}

fn write_new(path: &Path, bytes: &[u8], account: Option<&Account>) -> io::Result<()> {
    File::options().write(true).create_new(true).mode(0o700).open(path)?.write_all(bytes)?;
    account.map_or(Ok(()), |account| chown(path, Some(account.uid), Some(account.gid)))
}

/// What stands behind `#!` in the first line of a script that is executed as it is.
fn interpreter(spec: &CommandSpec, program: &OsStr) -> Option<String> {
    spec.script_file.as_ref().filter(|_| spec.argv.is_empty())?;
    let mut start = Vec::new();
    File::open(program).ok()?.take(128).read_to_end(&mut start).ok()?;
    let line = start.split(|byte| *byte == b'\n').next()?.strip_prefix(b"#!")?;
    Some(String::from_utf8_lossy(line).trim_start().to_owned())
}

/// The agent's own home folder, looked up once, before anything is forked: where the environment does not say it, the host's accounts are asked.
pub fn home() -> &'static Path {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    HOME.get_or_init(|| std::env::home_dir().filter(|home| home.is_absolute()).unwrap_or_else(|| "/".into()))
}

/// The signals that are not treated as they were at first, looked up once, before anything is forked. What has a handler is set back by exec,
/// what is ignored is not.
pub fn changed_signals() -> &'static [usize] {
    static CHANGED: OnceLock<Vec<usize>> = OnceLock::new();
    let is_changed = |signal: &usize| {
        // The kernel's `struct sigaction`, of which the first word is the handler; SIG_DFL is 0.
        let mut action = [0_usize; 8];
        let none = std::ptr::null::<libc::c_void>();
        // SAFETY: a question, answered into memory that is large enough.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, *signal, none, action.as_mut_ptr(), 8_usize) };
        action[0] != 0
    };
    CHANGED.get_or_init(|| (1..=64).filter(is_changed).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(script: String) -> CommandSpec {
        let argv = ["/bin/sh", "-e", "-c"].map(String::from).to_vec();
        CommandSpec {
            argv,
            script,
            script_file: None,
            files: vec![],
            env: [].into(),
            cwd: None,
            user: None,
            timeout_ms: 1,
            kill_grace_ms: 1,
            capture_stdout: false,
        }
    }

    #[test]
    fn a_long_script_travels_as_a_file() {
        let root = tempfile::tempdir().unwrap();
        let dir = crate::folder::DataDir::new(root.path()).attempt(pulse_protocol::AttemptId(uuid::Uuid::nil()));
        std::fs::create_dir_all(dir.path()).unwrap();
        assert_eq!(arguments(&spec("true".into()), None, &dir).unwrap(), ["/bin/sh", "-e", "-c", "true"]);
        let long = "#".repeat(MAX_INLINE + 1);
        let argv = arguments(&spec(long.clone()), None, &dir).unwrap();
        assert_eq!(argv[..2], ["/bin/sh", "-e"]);
        assert_eq!(std::fs::read_to_string(&argv[2]).unwrap(), long);
        assert_eq!(argv.len(), 3);
    }
}
