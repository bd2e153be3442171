//! Descendants that lose their parent become the shim's children, and so does init's duty: to take their entries away when they
//! die. A command that makes thousands of them would otherwise fill the host's process table.

use rustix::process::{Pid, WaitOptions, waitpid};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

/// Most entries that are taken away at once, so that time and stop requests are looked at between.
const AT_ONCE: usize = 256;

/// Tells that children have died.
pub struct Orphans {
    /// Readable when one has died. Without it they are looked for whenever something else happens.
    deaths: Option<OwnedFd>,
}

impl Orphans {
    /// From now on deaths are told. The command's own mask of signals is made anew when it is spawned.
    pub fn watch() -> Self {
        Self { deaths: deaths() }
    }

    /// To be waited for.
    pub fn deaths(&self) -> Option<BorrowedFd<'_>> {
        self.deaths.as_ref().map(AsFd::as_fd)
    }

    /// Takes the entries of dead children away, but not the leader's, and nothing once that one is dead. `true`: there may be more.
    pub fn reap(&self, leader: Pid) -> bool {
        // First, so that a death between here and the last look is told again.
        self.deaths.as_ref().map(AsFd::as_fd).into_iter().for_each(hear);
        for _ in 0..AT_ONCE {
            match dead_child() {
                Some(pid) if pid != leader => drop(waitpid(Some(pid), WaitOptions::NOHANG)),
                _ => return false,
            }
        }
        true
    }
}

/// Takes note of a death; others are told anew.
pub fn hear(deaths: BorrowedFd<'_>) {
    let _ = rustix::io::read(deaths, &mut [0; size_of::<libc::signalfd_siginfo>()]);
}

/// The oldest dead child; its entry stays.
fn dead_child() -> Option<Pid> {
    // SAFETY: plain system calls, which only write to the structure; all zero is a value of it.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        match libc::waitid(libc::P_ALL, 0, &mut info, libc::WEXITED | libc::WNOHANG | libc::WNOWAIT) {
            0 => Pid::from_raw(info.si_pid()),
            _ => None,
        }
    }
}

/// Readable when a child has died; from now on that interrupts nothing.
pub fn deaths() -> Option<OwnedFd> {
    // SAFETY: this process has one thread; the set is initialised before it is used, and the descriptor belongs to nobody else.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        let fd = libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        (fd >= 0).then(|| OwnedFd::from_raw_fd(fd))
    }
}
