//! How a shim is asked to end its command: by a signal with a value, from whoever knows its process id by the attempt's record. So nothing has to
//! lie on disk for it, and an agent that came later asks as well as the one that started the shim. The value names the attempt: what comes late ends no
//! later command of the same shim, and a signal that somebody sends without it, such as `kill -1` of a command, asks for nothing.

use crate::folder::AttemptDir;
use crate::record::Supervised;
use pulse_protocol::AttemptId;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A real-time signal: nobody else's, and one that waits until it is read.
pub(super) const STOP: i32 = 44;

/// What tells a request from a signal that was meant for somebody else: the second half of the attempt's id, which is random (RFC 9562, version 7).
fn value(attempt: AttemptId) -> usize {
    attempt.0.as_u64_pair().1 as usize
}

/// The receiving end.
pub struct Requests(OwnedFd);

impl Requests {
    /// From now on the signal ends nobody, and waits to be read. A command's own mask of signals is made anew when it is spawned.
    pub fn listen() -> io::Result<Self> {
        // SAFETY: this process has one thread; the set is initialised before it is used, and the descriptor belongs to nobody else.
        unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&mut set);
            libc::sigaddset(&mut set, STOP);
            libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
            match libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
                fd if fd >= 0 => Ok(Self(OwnedFd::from_raw_fd(fd))),
                _ => Err(io::Error::last_os_error()),
            }
        }
    }

    /// Whether somebody has asked since the last look that this attempt end.
    pub fn asked(&self, attempt: AttemptId) -> bool {
        const SIZE: usize = size_of::<libc::signalfd_siginfo>();
        let (mut asked, mut bytes) = (false, [0; SIZE]);
        while matches!(rustix::io::read(&self.0, &mut bytes), Ok(SIZE)) {
            // SAFETY: the kernel filled all of it, and every pattern of bits is a value of the structure.
            let signal: libc::signalfd_siginfo = unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) };
            asked |= signal.ssi_code == libc::SI_QUEUE && signal.ssi_ptr as usize == value(attempt);
        }
        asked
    }
}

impl AsFd for Requests {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Asks the attempt's shim to end the command. `false`: there is no shim, or not yet.
pub fn ask(dir: &AttemptDir) -> io::Result<bool> {
    let shim = Supervised::read(dir)?.map(|supervised| supervised.shim).filter(|shim| *shim > 0);
    let Some(shim) = shim.and_then(Pid::from_raw) else { return Ok(false) };
    let held = match pidfd_open(shim, PidfdFlags::empty()) {
        Ok(held) => Some(held),
        Err(Errno::SRCH) => return Ok(false),
        // A kernel before 5.3, or one that does not let us.
        Err(_) => None,
    };
    // Whoever holds the lock is the attempt's shim, and alive: so this is its process, and no later one with its number. It may go on to another
    // attempt from here on, which the value does not mean.
    if !dir.is_supervised()? {
        return Ok(false);
    }
    let value = value(dir.attempt());
    let is_gone = |error: &io::Error| error.raw_os_error() == Some(libc::ESRCH);
    // Whoever guards the kernel may allow one way and not the other.
    match send(shim, held.as_ref(), value).or_else(|error| if is_gone(&error) { Err(error) } else { send(shim, None, value) }) {
        Err(error) if is_gone(&error) => Ok(false),
        sent => sent.map(|()| true),
    }
}

fn send(shim: Pid, held: Option<&OwnedFd>, value: usize) -> io::Result<()> {
    let pid = shim.as_raw_nonzero().get();
    let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(value) };
    // SAFETY: plain system calls; the structure is all zero but for what is set, and outlives them.
    let code = unsafe {
        match held {
            Some(held) => {
                let mut signal: libc::siginfo_t = std::mem::zeroed();
                (signal.si_signo, signal.si_code) = (STOP, libc::SI_QUEUE);
                let queued = (&raw mut signal).cast::<Queued>();
                ((*queued).pid, (*queued).uid, (*queued).value) = (libc::getpid(), libc::getuid(), value);
                libc::syscall(libc::SYS_pidfd_send_signal, held.as_raw_fd(), STOP, &raw const signal, 0)
            }
            None => libc::sigqueue(pid, STOP, value).into(),
        }
    };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The kernel's `siginfo_t` of a queued signal, as sigaction(2) describes it.
#[repr(C)]
struct Queued {
    signo: i32,
    errno: i32,
    code: i32,
    /// The union begins where a pointer may.
    #[cfg(target_pointer_width = "64")]
    gap: i32,
    pid: libc::pid_t,
    uid: libc::uid_t,
    value: libc::sigval,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::DataDir;
    use crate::record::Writer;
    use std::process::Command;
    use uuid::Uuid;

    /// What a forked process hears, which makes system calls alone: masks of signals are a thread's, and the test runner has several.
    fn heard(ask: impl Fn(i32, &AttemptDir)) -> bool {
        let root = tempfile::tempdir().unwrap();
        let data = DataDir::new(root.path());
        data.create().unwrap();
        let attempt = AttemptId(Uuid::from_u128(7));
        let dir = data.attempt(attempt);
        let _lock = dir.claim().unwrap().unwrap();
        let (told, tell) = rustix::pipe::pipe().unwrap();
        // SAFETY: the child makes system calls on memory of its own and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let code = Requests::listen().map_or(2, |requests| {
                let _ = rustix::io::write(&tell, &[7]);
                let mut wait = [rustix::event::PollFd::new(&requests, rustix::event::PollFlags::IN)];
                let soon = rustix::event::Timespec { tv_sec: 10, tv_nsec: 0 };
                let _ = rustix::event::poll(&mut wait, Some(&soon));
                u8::from(requests.asked(attempt))
            });
            let _ = rustix::io::write(&tell, &[code]);
            // SAFETY: as above.
            unsafe { libc::_exit(0) }
        }
        drop(tell);
        let hear = || {
            let mut byte = [9];
            rustix::io::read(&told, &mut byte).unwrap();
            byte[0]
        };
        assert_eq!(hear(), 7);
        Writer::new(dir.attempt(), dir.path()).supervised(Supervised { shim: child, cgroup: None }).unwrap();
        ask(child, &dir);
        let code = hear();
        // SAFETY: the child that was forked above.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
        assert!(code < 2, "{code}");
        code == 1
    }

    #[test]
    fn a_request_is_heard_and_a_stray_signal_is_none() {
        assert!(heard(|_, dir| assert!(ask(dir).unwrap())));
        assert!(heard(|shim, _| send(Pid::from_raw(shim).unwrap(), None, 7).unwrap()), "as an old kernel sends it");
        assert!(!heard(|shim, _| send(Pid::from_raw(shim).unwrap(), None, 8).unwrap()), "another attempt is meant");
        let stray = |shim: i32, _: &AttemptDir| {
            let sent = Command::new("kill").arg(format!("-{STOP}")).arg(shim.to_string()).status().unwrap();
            assert!(sent.success());
        };
        assert!(!heard(stray));
    }

    #[test]
    fn who_is_gone_is_asked_for_nothing() {
        let root = tempfile::tempdir().unwrap();
        let dir = DataDir::new(root.path()).attempt(AttemptId(Uuid::nil()));
        assert!(!ask(&dir).unwrap());
        std::fs::create_dir_all(dir.path()).unwrap();
        // The number is this process's by now, and this process is no shim.
        let shim = i32::try_from(std::process::id()).unwrap();
        Writer::new(dir.attempt(), dir.path()).supervised(Supervised { shim, cgroup: None }).unwrap();
        assert!(!ask(&dir).unwrap());
    }
}
