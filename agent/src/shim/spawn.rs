//! Makes the command's process: its arguments, environment, folder, session, signals. An error from here is proof that nothing
//! of the command ran.

use super::cgroup::Cgroup;
use super::work::WORK;
use super::{clone, oom};
use crate::folder::AttemptDir;
use crate::users::Account;
use pulse_protocol::CommandSpec;
use pulse_protocol::files::is_inside;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, setsid};
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

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
    let (program, arguments) = argv.split_first().ok_or("the command has no program")?;
    let cwd = spec.cwd.as_deref().map_or(work.as_path(), Path::new);
    if !cwd.is_dir() {
        return Err(format!("the working folder {} is not there", cwd.display()));
    }
    let mut command = Command::new(program);
    command.args(arguments).current_dir(cwd).env_clear();
    command.env("PATH", SEARCH_PATH).env("LANG", "C.UTF-8").env("HOME", account.map_or(home(), |account| account.home.as_path()));
    command.envs(&spec.env).env("PULSE_WORKDIR", &work);
    let whom = account.map(|account| Whom::new(account, cwd)).transpose()?;
    start(&mut command, whom, cgroup).map_err(|error| match interpreter(spec, program) {
        Some(named) if error.kind() == ErrorKind::NotFound => {
            format!("cannot run {program:?}: the program that its first line names is not on this host: {named:?}")
        }
        _ => format!(
            "cannot run {program:?}{}: {error}",
            account.map_or_else(String::new, |account| format!(" as {}", account.name))
        ),
    })
}

/// Starts it with its pipes, made in its cgroup where the kernel lets us, else moved there between fork and exec.
fn start(command: &mut Command, whom: Option<Whom>, cgroup: Option<&Cgroup>) -> io::Result<Child> {
    let [(stdout, out), (stderr, err)] = [pipe_with(PipeFlags::CLOEXEC)?, pipe_with(PipeFlags::CLOEXEC)?];
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    // Opened only where it is needed, and then before the process is made that writes itself there.
    let procs = Arc::new(OnceLock::new());
    let moves = Arc::clone(&procs);
    // SAFETY: `become_command` only makes system calls, which may be made between fork and exec.
    unsafe { command.pre_exec(move || become_command(moves.get(), whom.as_ref())) };
    let made = cgroup.map(|cgroup| clone::into_cgroup(command, cgroup.folder.as_fd())).transpose()?.flatten();
    let leader = match made {
        Some(leader) => leader,
        None => {
            cgroup.and_then(Cgroup::procs).into_iter().for_each(|file| drop(procs.set(file)));
            Pid::from_child(&command.spawn()?)
        }
    };
    // The command's own ends of the pipes are closed here, or the pipes never would be.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Ok(Child { leader, pipes: [stdout, stderr] })
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

/// Another user than the agent's, ready for the moment between fork and exec, in which no memory is taken.
struct Whom {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
    cwd: CString,
}

impl Whom {
    fn new(account: &Account, cwd: &Path) -> Result<Self, String> {
        let cwd = CString::new(cwd.as_os_str().as_bytes()).map_err(|_| "the working folder's path holds a NUL".to_owned())?;
        Ok(Self { uid: account.uid, gid: account.gid, groups: account.groups.clone(), cwd })
    }

    /// For good: all three ids are set, and root's capabilities go with them. The working folder is entered as the user.
    fn become_it(&self) -> io::Result<()> {
        let said = |code| if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
        // SAFETY: plain system calls of a process with one thread, on memory that outlives them.
        unsafe {
            said(libc::setgroups(self.groups.len(), self.groups.as_ptr()))?;
            said(libc::setresgid(self.gid, self.gid, self.gid))?;
            said(libc::setresuid(self.uid, self.uid, self.uid))?;
            said(libc::chdir(self.cwd.as_ptr()))
        }
    }
}

/// Runs in the child between fork and exec.
fn become_command(procs: Option<&File>, whom: Option<&Whom>) -> io::Result<()> {
    setsid()?;
    // A kernel that does not let us is no reason not to run.
    drop(oom::go_first());
    // "0" is the writing process itself. Not getting in is no reason not to run: the walk over descendants still finds it.
    if let Some(mut procs) = procs {
        drop(procs.write(b"0"));
    }
    // The kernel's `struct sigaction`, all zero: SIG_DFL, no flags, no mask. libc's own `signal` leaves out 32 and 33.
    let default = [0_usize; 8];
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: plain system calls on this process, on memory that outlives them; numbers that are no changeable signal only
    // return an error.
    unsafe {
        for signal in changed_signals() {
            libc::syscall(libc::SYS_rt_sigaction, *signal, default.as_ptr(), none, 8_usize);
        }
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK as usize, default.as_ptr(), none, 8_usize);
    }
    // The last of all: what comes before may need rights that it gives up.
    whom.map_or(Ok(()), Whom::become_it)
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
