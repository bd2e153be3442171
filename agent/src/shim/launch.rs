//! What happens between a process's beginning and its program's: everything that takes memory is made ready before, because the process
//! may share its maker's until then (see [`super::clone`]).

use super::clone::{self, Memory};
use super::{oom, spawn};
use crate::users::Account;
use rustix::process::{Pid, WaitOptions, waitpid};
use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_void};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};

/// Runs what has no `#!` in its first line and is no program either, as execvp(3) has it.
const SHELL: &CStr = c"/bin/sh";

/// A program that is about to start. Strings are followed by the lists of pointers to them, as the kernel wants them.
pub struct Launch<'a> {
    /// Where the program may be; it is the first that can be run.
    places: Vec<CString>,
    /// A place for the shell, the arguments, and the end.
    arguments: Vec<*const c_char>,
    environment: Vec<*const c_char>,
    folder: CString,
    /// Its ends of stdout and stderr.
    output: [&'a OwnedFd; 2],
    whom: Option<&'a Account>,
    /// Where the process writes itself into its cgroup.
    procs: Option<File>,
    /// The error of the operating system for which it did not become the program; 0 is none.
    failed: &'static AtomicI32,
    _strings: [Vec<CString>; 2],
}

impl<'a> Launch<'a> {
    /// Of the program that is the first argument, with this environment alone, in this folder. An error of [`ErrorKind::InvalidInput`]: something
    /// holds a NUL.
    pub fn new(
        arguments: Vec<OsString>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        folder: &Path,
        output: [&'a OwnedFd; 2],
        whom: Option<&'a Account>,
    ) -> io::Result<Self> {
        let environment = environment.into_iter().collect::<std::collections::BTreeMap<_, _>>();
        let path = environment.get(OsStr::new("PATH")).map(OsString::as_os_str).unwrap_or_default();
        let places = places(arguments.first().map(OsString::as_os_str).unwrap_or_default(), path)?;
        let arguments = arguments.into_iter().map(string).collect::<io::Result<Vec<_>>>()?;
        let assigned = |(name, value): (OsString, OsString)| string([name, value].join(OsStr::new("=")));
        let environment = environment.into_iter().map(assigned).collect::<io::Result<Vec<_>>>()?;
        let pointers =
            |strings: &[CString]| strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect::<Vec<_>>();
        Ok(Self {
            places,
            arguments: [vec![SHELL.as_ptr()], pointers(&arguments)].concat(),
            environment: pointers(&environment),
            folder: string(folder.as_os_str().to_owned())?,
            output,
            whom,
            procs: None,
            failed: told()?,
            _strings: [arguments, environment],
        })
    }

    /// Starts it in the cgroup whose folder this is, else where this process is, from where it writes itself into `procs`. An error is proof that nothing of
    /// the program ran.
    pub fn start(mut self, cgroup: Option<BorrowedFd<'_>>, procs: impl FnOnce() -> Option<File>) -> io::Result<Pid> {
        let argument = |launch: &mut Self| std::ptr::from_mut(launch).cast();
        let memory = if self.whom.is_some() { Memory::Copied } else { Memory::Shared };
        self.failed.store(0, Ordering::Relaxed);
        // SAFETY: the shim has a single thread, and `become_program` works with what it is given, which outlives the calls.
        let made = cgroup.and_then(|folder| unsafe { clone::into_cgroup(folder, memory, become_program, argument(&mut self)) });
        let child = match made {
            Some(child) => child,
            None => {
                self.procs = procs();
                // SAFETY: as above.
                unsafe { clone::beside(memory, become_program, argument(&mut self)) }?
            }
        };
        match self.failed.load(Ordering::Relaxed) {
            0 => Ok(child),
            code => {
                // It has ended, or is about to.
                let _ended = waitpid(Some(child), WaitOptions::empty());
                Err(io::Error::from_raw_os_error(code))
            }
        }
    }

    /// The steps to the program; it comes back with what failed.
    fn run(&mut self) -> io::Result<std::convert::Infallible> {
        let [out, err] = self.output.map(AsRawFd::as_raw_fd);
        // SAFETY: plain system calls of a process with one thread, on memory that outlives them.
        unsafe {
            let nothing = said(libc::open(c"/dev/null".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC))?;
            for (from, to) in [(nothing, 0), (out, 1), (err, 2)] {
                said(libc::dup2(from, to))?;
            }
            said(libc::setsid())?;
        }
        // A kernel that does not let us is no reason not to run.
        drop(oom::go_first());
        // "0" is the writing process itself. Not getting in is no reason not to run: the walk over descendants still finds it.
        if let Some(procs) = &mut self.procs {
            drop(procs.write(b"0"));
        }
        // The kernel's `struct sigaction`, all zero: SIG_DFL, no flags, no mask. libc's own `signal` leaves out 32 and 33.
        let default = [0_usize; 8];
        let none = std::ptr::null_mut::<c_void>();
        // SAFETY: plain system calls on this process, on memory that outlives them; numbers that are no changeable signal only
        // return an error.
        unsafe {
            for signal in spawn::changed_signals() {
                libc::syscall(libc::SYS_rt_sigaction, *signal, default.as_ptr(), none, 8_usize);
            }
            libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK as usize, default.as_ptr(), none, 8_usize);
        }
        // The last of all: what comes before may need rights that it gives up. The working folder is entered as the user.
        if let Some(account) = self.whom {
            become_user(account)?;
        }
        // SAFETY: as above.
        said(unsafe { libc::chdir(self.folder.as_ptr()) })?;
        Err(self.execute())
    }

    /// As execvp(3) looks for a program.
    fn execute(&mut self) -> io::Error {
        let mut reason = io::Error::from_raw_os_error(libc::ENOENT);
        let (with_shell, environment) = (self.arguments.as_mut_ptr(), self.environment.as_ptr());
        for place in &self.places {
            // SAFETY: both lists end with a null pointer, and all strings outlive the call.
            unsafe { libc::execve(place.as_ptr(), with_shell.add(1), environment) };
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::ENOEXEC) => {
                    // SAFETY: the list has a place for the shell and one for the program's name.
                    unsafe {
                        with_shell.add(1).write(place.as_ptr());
                        libc::execve(SHELL.as_ptr(), with_shell, environment);
                    }
                    return io::Error::last_os_error();
                }
                Some(libc::EACCES) => reason = error,
                Some(libc::ENOENT | libc::ESTALE | libc::ENOTDIR | libc::ENODEV | libc::ETIMEDOUT) => {}
                _ => return error,
            }
        }
        reason
    }
}

/// Where this process's commands tell why they did not become programs: memory that also a process shares that has a copy of all else.
fn told() -> io::Result<&'static AtomicI32> {
    static TOLD: OnceLock<usize> = OnceLock::new();
    let place = match TOLD.get() {
        Some(place) => *place,
        None => {
            let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
            // SAFETY: new memory, wherever there is room.
            let page = unsafe { libc::mmap(std::ptr::null_mut(), size_of::<AtomicI32>(), access, kind, -1, 0) };
            if page == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            *TOLD.get_or_init(|| page.expose_provenance())
        }
    };
    // SAFETY: a page that begins with zeros, aligned, which is never given back.
    Ok(unsafe { &*std::ptr::with_exposed_provenance(place) })
}

/// The process's whole life until it is the program, or ends. Its maker stands still meanwhile, whose memory it may share.
extern "C" fn become_program(launch: *mut c_void) -> libc::c_int {
    // SAFETY: it is the maker's, who waits, and nobody else has it.
    let launch = unsafe { &mut *launch.cast::<Launch<'_>>() };
    let Err(error) = launch.run();
    launch.failed.store(error.raw_os_error().unwrap_or(libc::EINVAL), Ordering::Relaxed);
    // SAFETY: it ends this process at once, without running what its maker registered for its own end.
    unsafe { libc::_exit(127) }
}

// Where the first calls of these names took 16 bits.
#[cfg(not(any(target_arch = "x86", target_arch = "arm")))]
use libc::{SYS_setgroups as SETGROUPS, SYS_setresgid as SETRESGID, SYS_setresuid as SETRESUID};
#[cfg(any(target_arch = "x86", target_arch = "arm"))]
use libc::{SYS_setgroups32 as SETGROUPS, SYS_setresgid32 as SETRESGID, SYS_setresuid32 as SETRESUID};

/// For good: all three ids are set, and root's capabilities go with them. The kernel's own calls: the C library's would tell other threads.
fn become_user(account: &Account) -> io::Result<()> {
    let (uid, gid) = (account.uid as usize, account.gid as usize);
    // SAFETY: plain system calls of a process with one thread, on memory that outlives them.
    unsafe {
        said(libc::syscall(SETGROUPS, account.groups.len(), account.groups.as_ptr()))?;
        said(libc::syscall(SETRESGID, gid, gid, gid))?;
        said(libc::syscall(SETRESUID, uid, uid, uid))?;
    }
    Ok(())
}

fn said<T: Copy + PartialOrd + From<i8>>(code: T) -> io::Result<T> {
    if code < T::from(0) { Err(io::Error::last_os_error()) } else { Ok(code) }
}

/// Where a program may be: there if its name holds a slash, else in the folders of the path.
fn places(program: &OsStr, path: &OsStr) -> io::Result<Vec<CString>> {
    if program.is_empty() || program.as_bytes().contains(&b'/') {
        return Ok(vec![string(program.to_owned())?]);
    }
    std::env::split_paths(path).map(|folder| string(folder.join(program).into_os_string())).collect()
}

fn string(text: OsString) -> io::Result<CString> {
    CString::new(text.into_vec()).map_err(|_| io::Error::new(ErrorKind::InvalidInput, "nul byte found in provided data"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_as_shells_do() {
        let found = |program: &str, path: &str| {
            let places = places(program.as_ref(), path.as_ref()).unwrap();
            places.into_iter().map(|place| place.into_string().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(found("ls", "/a:/b"), ["/a/ls", "/b/ls"]);
        assert_eq!(found("ls", "/a::"), ["/a/ls", "ls", "ls"], "an empty one is the working folder");
        assert_eq!(found("./ls", "/a"), ["./ls"]);
        assert_eq!(found("", "/a"), [""]);
        assert_eq!(places("a\0".as_ref(), "/a".as_ref()).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
