//! The fork server: one small process of a single thread beside the agent. For each attempt it forks a shim: nothing is
//! loaded, linked and set up again as for a new program. It knows nothing of commands; each shim reads its own from a pipe.
//!
//! ```text
//! agent ── attempt, two pipe ends ──▶ fork server ── fork ──▶ shim ── clone, exec ──▶ command
//!       ── the command ──────────────────────────────────────▶
//!       ◀─────────────────────────────── what it says, then its end ──
//! ```
//!
//! It ends with its agent, whose socket closes then; shims stay. An agent whose server was ended starts another one, or, where it was
//! given a socket, connects to it anew: then a service manager starts the server, and nothing that binds the agent binds commands.

use super::{cgroup, detach, orphans, run, spawn, status};
use crate::folder::DataDir;
use pulse_protocol::AttemptId;
use pulse_protocol::failpoint::{self, Act};
use rustix::event::{PollFd, PollFlags, poll};
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
use std::io::{self, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// Room in the server's arguments for what its shims show in place of them.
const ROOM: &str = "________________________________________________";

/// The agent's end. Starts the server when there is none.
#[derive(Debug)]
pub struct Shims {
    data: DataDir,
    /// Where a service manager starts servers.
    at: Option<PathBuf>,
    server: Mutex<Option<Server>>,
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
    /// Takes the command.
    pub spec: File,
    /// What the shim says. It ends when the shim is gone, or when there never was one.
    pub said: File,
}

impl Shims {
    /// For attempts in this folder; nothing is started yet.
    pub fn new(data: DataDir, at: Option<PathBuf>) -> Self {
        Self { data, at, server: Mutex::new(None) }
    }

    /// Has a shim made for the attempt, unless it was before. An error: there is none, and never will be.
    pub fn start(&self, attempt: AttemptId, made: Option<Ends>) -> io::Result<Ends> {
        failpoint::before(Act::StartShim)?;
        let ends = made.map_or_else(|| self.make(attempt), Ok)?;
        failpoint::done(Act::StartShim);
        Ok(ends)
    }

    /// Has a shim made for an attempt that is about to start, where nothing has to be waited for. It does nothing before it has its command,
    /// and ends if it gets none.
    pub fn make_early(&self, attempt: AttemptId) -> Option<Ends> {
        let server = self.server.try_lock().ok()?;
        let (ends, theirs) = pipes().ok()?;
        send(server.as_ref()?, attempt, &theirs, SendFlags::DONTWAIT).ok()?;
        Some(ends)
    }

    fn make(&self, attempt: AttemptId) -> io::Result<Ends> {
        let (ends, theirs) = pipes()?;
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let was_there = server.is_some();
        let sent = self.ask(&mut server, attempt, &theirs);
        match sent {
            // It was ended since it was last asked, so nobody has this.
            Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) if was_there => {
                self.ask(&mut server, attempt, &theirs)?;
            }
            sent => sent?,
        }
        Ok(ends)
    }

    fn ask(&self, server: &mut Option<Server>, attempt: AttemptId, theirs: &[OwnedFd; 2]) -> Result<(), Errno> {
        if server.is_none() {
            *server = Some(self.server()?);
        }
        let Some(asked) = server else { return Err(Errno::PIPE) };
        let sent = send(asked, attempt, theirs, SendFlags::empty());
        if sent.is_err()
            && let Some(Server { socket, process }) = server.take()
        {
            drop(socket);
            // Whatever it still did, it forks no shim after this. Another's has not heard of the attempt, or the send would not have failed.
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
    Ok((Ends { spec: spec.into(), said: said.into() }, [command, says]))
}

fn send(server: &Server, attempt: AttemptId, theirs: &[OwnedFd; 2], flags: SendFlags) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let ends = theirs.each_ref().map(AsFd::as_fd);
    control.push(SendAncillaryMessage::ScmRights(&ends));
    sendmsg(&server.socket, &[IoSlice::new(attempt.0.as_bytes())], &mut control, flags | SendFlags::NOSIGNAL).map(drop)
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
    spawn::changed_signals();
    spawn::home();
    ask_the_processor();
    let area = argument_area();
    loop {
        reap(deaths.as_ref());
        match receive() {
            Ok(Some((attempt, ends))) => fork(data, attempt, ends, area),
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
fn receive() -> Result<Option<(AttemptId, [OwnedFd; 2])>, Errno> {
    let mut id = [0; 16];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = recvmsg(io::stdin(), &mut [IoSliceMut::new(&mut id)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    if message.bytes == 0 {
        return Ok(None);
    }
    let rights = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(rights) => Some(rights.collect::<Vec<_>>()),
        _ => None,
    });
    let ends = rights.and_then(|rights| <[OwnedFd; 2]>::try_from(rights).ok()).ok_or(Errno::PROTO)?;
    Ok(Some((AttemptId(Uuid::from_bytes(id)), ends)))
}

fn fork(data: &DataDir, attempt: AttemptId, ends: [OwnedFd; 2], area: Option<(usize, usize)>) {
    // SAFETY: this process has one thread, so the child finds no lock held.
    match unsafe { libc::fork() } {
        0 => {
            let code = catch_unwind(AssertUnwindSafe(|| become_shim(data, attempt, ends, area))).unwrap_or(101);
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

fn become_shim(data: &DataDir, attempt: AttemptId, [command, says]: [OwnedFd; 2], area: Option<(usize, usize)>) -> i32 {
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
    if let Some(area) = area {
        show(data, attempt, area);
    }
    i32::from(!run(data, attempt))
}

/// Where this process's arguments lie in its memory, and how long they are.
fn argument_area() -> Option<(usize, usize)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // proc(5): fields 48 and 49; what follows the name is the third.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(45);
    let (start, end): (usize, usize) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    (start > 0).then(|| end.checked_sub(start).map(|length| (start, length)))?
}

/// Process lists show the shim with its attempt.
fn show(data: &DataDir, attempt: AttemptId, (start, length): (usize, usize)) {
    let mut text = b"pulse-agent\0shim\0--data-dir\0".to_vec();
    text.extend(data.root().as_os_str().as_encoded_bytes());
    text.extend(format!("\0--attempt\0{attempt}\0").as_bytes());
    if text.len() <= length {
        text.resize(length, 0);
        // SAFETY: the kernel put the arguments there, for this process to read and write; nobody looks at them any more.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), start as *mut u8, length) };
    }
}
