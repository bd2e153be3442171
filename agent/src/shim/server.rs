//! The fork server: one small process of a single thread beside the agent. It forks shims: nothing is
//! loaded, linked and set up again as for a new program. It knows nothing of commands; each shim reads its own from a pipe, and
//! the next one there once nothing of the one before is left.
//!
//! ```text
//! agent ── two pipe ends ──▶ fork server ── fork ──▶ shim ── clone, exec ──▶ command
//!       ── the command ─────────────────────────────▶
//!       ◀───────────────────────────── what it says ──  … and again, until it says that it cannot, or ends
//! ```
//!
//! Few shims stay ready, and for a minute, but for one.
//!
//! It ends with its agent, whose socket closes then; shims stay. An agent whose server was ended starts another one, or, where it was
//! given a socket, connects to it anew: then a service manager starts the server, and nothing that binds the agent binds commands.

use super::{cgroup, detach, orphans, run, spawn, status};
use crate::folder::DataDir;
use pulse_protocol::AttemptId;
use pulse_protocol::failpoint::{self, Act};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    SocketAddrUnix, SocketFlags, SocketType, connect, recvmsg, sendmsg, socket_with, socketpair, sockopt,
};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{WaitOptions, geteuid, setsid, wait};
use rustix::thread::set_name;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufReader, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Room in the server's arguments for what its shims show in place of them.
const ROOM: &str = "________________________________________________";

const NO_TIME: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// What is asked for: one shim. Its ends of the pipes come with it.
const ASKED: &[u8; 1] = b"+";

/// Most shims that stay ready for commands to come.
const READY: usize = 8;
/// How long they do, but for one.
const STAYS: Duration = Duration::from_secs(60);

/// The agent's end. Starts the server when there is none.
#[derive(Debug)]
pub struct Shims {
    data: DataDir,
    /// Where a service manager starts servers.
    at: Option<PathBuf>,
    server: Mutex<Option<Server>>,
    /// Shims without a command, and since when; the newest last.
    ready: Mutex<Vec<(Ends, Instant)>>,
}

#[derive(Debug)]
struct Server {
    socket: OwnedFd,
    /// None where it is not this agent's child.
    process: Option<Child>,
}

/// A shim, as its agent reaches it.
#[derive(Debug)]
pub struct Ends {
    /// Takes commands, one after the other, and for each the word that its end is known. The shim ends when all of these are closed.
    pub spec: Arc<File>,
    /// What the shim says. It ends when the shim is gone, or when there never was one.
    pub said: BufReader<File>,
}

impl Shims {
    /// For attempts in this folder; nothing is started yet.
    pub fn new(data: DataDir, at: Option<PathBuf>) -> Self {
        Self { data, at, server: Mutex::new(None), ready: Mutex::new(Vec::new()) }
    }

    /// A shim that waits for a command: the one that was kept for it, one that is ready, or a new one. An error: there is none, and none is being made.
    pub fn start(&self, kept: Option<Ends>) -> io::Result<Ends> {
        failpoint::before(Act::StartShim)?;
        let ends = kept.or_else(|| self.take_ready()).map_or_else(|| self.make(), Ok)?;
        failpoint::done(Act::StartShim);
        Ok(ends)
    }

    /// A shim for a command that is about to start, where nothing has to be waited for. It does nothing before it has its command.
    pub fn early(&self) -> Option<Ends> {
        if let Some(ready) = self.take_ready() {
            return Some(ready);
        }
        let server = self.server.try_lock().ok()?;
        let (ends, theirs) = pipes().ok()?;
        send(server.as_ref()?, &theirs, SendFlags::DONTWAIT).ok()?;
        Some(ends)
    }

    /// Keeps a shim ready that waits for a command, unless enough are.
    pub fn keep(&self, ends: Ends) {
        let mut ready = self.ready();
        if ready.len() < READY {
            ready.push((ends, Instant::now()));
        }
    }

    /// Lets those go that have been ready for long, but for one.
    pub fn let_go(&self, now: Instant) {
        let mut ready = self.ready();
        let last = ready.len().saturating_sub(1);
        let too_old = ready[..last].iter().take_while(|(_, since)| now.saturating_duration_since(*since) > STAYS).count();
        ready.drain(..too_old);
    }

    fn ready(&self) -> MutexGuard<'_, Vec<(Ends, Instant)>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that lives, as far as can be seen: a shim that waits says nothing, and one that is gone has closed its end.
    fn take_ready(&self) -> Option<Ends> {
        loop {
            let (ends, _) = self.ready().pop()?;
            let is_silent = matches!(poll(&mut [PollFd::new(ends.said.get_ref(), PollFlags::IN)], Some(&NO_TIME)), Ok(0));
            if is_silent {
                return Some(ends);
            }
        }
    }

    fn make(&self) -> io::Result<Ends> {
        let (ends, theirs) = pipes()?;
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let was_there = server.is_some();
        let sent = self.ask(&mut server, &theirs);
        match sent {
            // It was ended since it was last asked, so nobody has this.
            Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) if was_there => {
                self.ask(&mut server, &theirs)?;
            }
            sent => sent?,
        }
        Ok(ends)
    }

    fn ask(&self, server: &mut Option<Server>, theirs: &[OwnedFd; 2]) -> Result<(), Errno> {
        if server.is_none() {
            *server = Some(self.server()?);
        }
        let Some(asked) = server else { return Err(Errno::PIPE) };
        let sent = send(asked, theirs, SendFlags::empty());
        if sent.is_err()
            && let Some(Server { socket, process }) = server.take()
        {
            drop(socket);
            // Whatever it still did, it forks no shim after this. Another's has not heard of it, or the send would not have failed.
            if let Some(mut process) = process {
                drop(process.kill());
                drop(process.wait());
            }
        }
        sent
    }

    fn server(&self) -> Result<Server, Errno> {
        match &self.at {
            Some(path) => reach(path),
            None => launch(&self.data).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO)),
        }
    }
}

/// A shim's two pipes: the agent's ends, and the shim's.
fn pipes() -> io::Result<(Ends, [OwnedFd; 2])> {
    let (command, spec) = pipe_with(PipeFlags::CLOEXEC)?;
    let (said, says) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((Ends { spec: Arc::new(spec.into()), said: BufReader::with_capacity(512, said.into()) }, [command, says]))
}

fn send(server: &Server, theirs: &[OwnedFd; 2], flags: SendFlags) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let ends = theirs.each_ref().map(AsFd::as_fd);
    control.push(SendAncillaryMessage::ScmRights(&ends));
    sendmsg(&server.socket, &[IoSlice::new(ASKED)], &mut control, flags | SendFlags::NOSIGNAL).map(drop)
}

/// A server that the service manager starts for this connection.
fn reach(path: &Path) -> Result<Server, Errno> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(Server { socket, process: None })
}

/// The server is this very program, also when the file was replaced meanwhile, and gets none of the agent's environment.
fn launch(data: &DataDir) -> io::Result<Server> {
    let (socket, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let mut command = Command::new("/proc/self/exe");
    command.arg0("pulse-agent").arg("shims").arg("--data-dir").arg(data.root()).arg(ROOM).env_clear();
    for name in ["HOME", "PULSE_FAILPOINT", "PULSE_PLANTED_BUG"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    let process = command.stdin(theirs).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    Ok(Server { socket, process: Some(process) })
}

/// The server's whole life. Its stdin is its socket, with its own user at the other end: whoever is asked for commands by somebody else
/// would lend them its rights.
pub fn serve(data: &DataDir) -> ExitCode {
    if !sockopt::socket_peercred(io::stdin()).is_ok_and(|peer| peer.uid == geteuid()) {
        return ExitCode::FAILURE;
    }
    detach();
    let _ = set_name(c"pulse-shims");
    let deaths = orphans::deaths();
    // Found out once for all shims.
    cgroup::home();
    cgroup::sweep();
    spawn::changed_signals();
    spawn::home();
    ask_the_processor();
    let area = argument_area();
    loop {
        reap(deaths.as_ref());
        match receive() {
            Ok(Some(ends)) => fork(data, ends, area),
            Ok(None) => return ExitCode::SUCCESS,
            Err(Errno::INTR) => {}
            Err(_) => return ExitCode::FAILURE,
        }
    }
}

/// Lets what hashes and checks find out what this processor can do. In a virtual machine each question is a walk to the host and back.
fn ask_the_processor() {
    let _known = (crc32fast::hash(b"-"), Sha256::digest(b"-"));
}

/// Shims that have ended leave no entries behind. Returns once the agent wants something.
fn reap(deaths: Option<&OwnedFd>) {
    let socket = io::stdin();
    loop {
        let mut fds = vec![PollFd::new(&socket, PollFlags::IN)];
        fds.extend(deaths.map(|deaths| PollFd::new(deaths, PollFlags::IN)));
        let _ = poll(&mut fds, None);
        let asked = !fds[0].revents().is_empty();
        deaths.map(AsFd::as_fd).into_iter().for_each(orphans::hear);
        while matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {}
        if asked {
            return;
        }
    }
}

/// What the agent wants; `None` when it is gone.
fn receive() -> Result<Option<[OwnedFd; 2]>, Errno> {
    let mut asked = [0; ASKED.len()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = recvmsg(io::stdin(), &mut [IoSliceMut::new(&mut asked)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    if message.bytes == 0 {
        return Ok(None);
    }
    let rights = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(rights) => Some(rights.collect::<Vec<_>>()),
        _ => None,
    });
    rights.and_then(|rights| <[OwnedFd; 2]>::try_from(rights).ok()).map(Some).ok_or(Errno::PROTO)
}

fn fork(data: &DataDir, ends: [OwnedFd; 2], area: Option<(usize, usize)>) {
    // SAFETY: this process has one thread, so the child finds no lock held.
    match unsafe { libc::fork() } {
        0 => {
            let code = catch_unwind(AssertUnwindSafe(|| become_shim(data, ends, area))).unwrap_or(101);
            // SAFETY: ends this process without running what the server registered for its own end.
            unsafe { libc::_exit(code) }
        }
        -1 => {
            let reason = format!("no process for a shim: {}", io::Error::last_os_error());
            let [_, says] = ends;
            drop(File::from(says).write_all(status::line(&status::Said::Refused { reason }).as_bytes()));
        }
        _ => {}
    }
}

fn become_shim(data: &DataDir, [command, says]: [OwnedFd; 2], area: Option<(usize, usize)>) -> i32 {
    let _ = setsid();
    let _ = set_name(c"pulse-shim");
    // SAFETY: the numbers are open and of this process, and what was received is kept as 0 and 1 only.
    unsafe {
        libc::dup2(command.as_raw_fd(), 0);
        libc::dup2(says.as_raw_fd(), 1);
        libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0);
    }
    // Closed with everything else.
    for end in [command, says] {
        let _ = end.into_raw_fd();
    }
    run(data, |attempt| area.into_iter().for_each(|area| show(data, attempt, area)));
    0
}

/// Where this process's arguments lie in its memory, and how long they are.
fn argument_area() -> Option<(usize, usize)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // proc(5): fields 48 and 49; what follows the name is the third.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(45);
    let (start, end): (usize, usize) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    (start > 0).then(|| end.checked_sub(start).map(|length| (start, length)))?
}

/// Process lists show the shim, and its attempt while it has one.
fn show(data: &DataDir, attempt: Option<AttemptId>, (start, length): (usize, usize)) {
    let mut text = b"pulse-agent\0shim\0--data-dir\0".to_vec();
    text.extend(data.root().as_os_str().as_encoded_bytes());
    text.push(0);
    text.extend(attempt.map(|attempt| format!("--attempt\0{attempt}\0")).unwrap_or_default().as_bytes());
    if text.len() <= length {
        text.resize(length, 0);
        // SAFETY: the kernel put the arguments there, for this process to read and write; nobody looks at them any more.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), start as *mut u8, length) };
    }
}
