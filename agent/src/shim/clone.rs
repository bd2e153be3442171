//! Starts a program inside its cgroup from its first instant. A process that is moved into a cgroup waits until every CPU has passed
//! a quiet point, which takes 5 to 25 ms where nothing was moved just before; one that is made in it waits for nothing.

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions, waitpid};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The kernel's `struct clone_args` as of Linux 5.7.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// libc's constant is an `int`, which it does not fit into.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Starts the program in the cgroup whose folder this is. `None`: this kernel, or whoever guards it, does not let us; nothing was
/// started. An error is the program's, and proof that nothing of it ran.
///
/// Only for a process of a single thread.
pub fn into_cgroup(command: &mut Command, folder: BorrowedFd<'_>) -> io::Result<Option<Pid>> {
    let (failure, tell) = pipe_with(PipeFlags::CLOEXEC)?;
    let cgroup = u64::try_from(folder.as_raw_fd()).map_err(io::Error::other)?;
    let arguments = CloneArgs { flags: CLONE_INTO_CGROUP, exit_signal: libc::SIGCHLD as u64, cgroup, ..CloneArgs::default() };
    // SAFETY: without CLONE_VM this is a fork. No other thread exists whose locks the child could find held for ever, and the
    // arguments outlive the call.
    match unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<CloneArgs>()) } {
        0 => become_program(command, tell),
        child => {
            drop(tell);
            match i32::try_from(child).ok().and_then(Pid::from_raw).filter(|_| child > 0) {
                Some(child) => outcome(child, failure).map(Some),
                None => Ok(None),
            }
        }
    }
}

/// In the child: the program, or why not.
fn become_program(command: &mut Command, tell: OwnedFd) -> ! {
    let code = command.exec().raw_os_error().unwrap_or(libc::EINVAL);
    // A parent that is gone needs no answer.
    drop(File::from(tell).write_all(&code.to_ne_bytes()));
    // SAFETY: it ends this process at once, without running what the parent registered for its own end.
    unsafe { libc::_exit(127) }
}

/// The pipe closes when the program runs; what comes before that is its error.
fn outcome(child: Pid, failure: OwnedFd) -> io::Result<Pid> {
    let mut code = [0; 4];
    match File::from(failure).read_exact(&mut code) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(child),
        read => {
            // It has ended, or is about to.
            let _ended = waitpid(Some(child), WaitOptions::empty());
            read.and_then(|()| Err(io::Error::from_raw_os_error(i32::from_ne_bytes(code))))
        }
    }
}
