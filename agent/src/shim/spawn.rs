//! Makes the command's process: its arguments, environment, folder, session, signals. An error from here is proof that nothing
//! of the command ran.

use super::cgroup::Cgroup;
use crate::folder::AttemptDir;
use pulse_protocol::CommandSpec;
use rustix::process::setsid;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Longest script that is given as an argument; Linux takes 128 KiB in one.
const MAX_INLINE: usize = 64 * 1024;
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Starts the command. The reason of a failure is one sentence for people.
pub fn spawn(spec: &CommandSpec, dir: &AttemptDir, cgroup: Option<&Cgroup>) -> Result<Child, String> {
    let work = dir.file("work");
    std::fs::DirBuilder::new().mode(0o700).create(&work).map_err(|e| format!("cannot make the work folder: {e}"))?;
    let argv = arguments(spec, &work).map_err(|e| format!("cannot write the script: {e}"))?;
    let (program, arguments) = argv.split_first().ok_or("the command has no program")?;
    let cwd = spec.cwd.as_deref().map_or(work.as_path(), Path::new);
    if !cwd.is_dir() {
        return Err(format!("the working folder {} is not there", cwd.display()));
    }
    let mut command = Command::new(program);
    command.args(arguments).current_dir(cwd).env_clear();
    command.env("PATH", SEARCH_PATH).env("LANG", "C.UTF-8").env("HOME", home());
    command.envs(&spec.env).env("PULSE_WORKDIR", &work);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let procs = cgroup.map(|cgroup| cgroup.procs.try_clone()).transpose().map_err(|e| e.to_string())?;
    // SAFETY: `become_command` only makes system calls, which may be made between fork and exec.
    unsafe { command.pre_exec(move || become_command(procs.as_ref())) };
    command.spawn().map_err(|error| format!("cannot run {program:?}: {error}"))
}

/// The whole argument list, the script at its end.
fn arguments(spec: &CommandSpec, work: &Path) -> io::Result<Vec<String>> {
    let mut argv = spec.argv.clone();
    if spec.script.len() <= MAX_INLINE {
        argv.push(spec.script.clone());
        return Ok(argv);
    }
    let path = work.join("script");
    let mut file = File::options().write(true).create_new(true).mode(0o700).open(&path)?;
    file.write_all(spec.script.as_bytes())?;
    if argv.last().is_some_and(|last| last == "-c") {
        argv.pop();
    }
    argv.push(path.to_string_lossy().into_owned());
    Ok(argv)
}

fn home() -> std::path::PathBuf {
    std::env::home_dir().filter(|home| home.is_absolute()).unwrap_or_else(|| "/".into())
}

/// Runs in the child between fork and exec.
fn become_command(procs: Option<&File>) -> io::Result<()> {
    setsid()?;
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
        for signal in 1..=64_usize {
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), none, 8_usize);
        }
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK as usize, default.as_ptr(), none, 8_usize);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(script: String) -> CommandSpec {
        let argv = ["/bin/sh", "-e", "-c"].map(String::from).to_vec();
        CommandSpec { argv, script, env: [].into(), cwd: None, timeout_ms: 1, kill_grace_ms: 1, capture_stdout: false }
    }

    #[test]
    fn a_long_script_travels_as_a_file() {
        let work = tempfile::tempdir().unwrap();
        assert_eq!(arguments(&spec("true".into()), work.path()).unwrap(), ["/bin/sh", "-e", "-c", "true"]);
        let long = "#".repeat(MAX_INLINE + 1);
        let argv = arguments(&spec(long.clone()), work.path()).unwrap();
        assert_eq!(argv[..2], ["/bin/sh", "-e"]);
        assert_eq!(std::fs::read_to_string(&argv[2]).unwrap(), long);
        assert_eq!(argv.len(), 3);
    }
}
