//! Git's protocol over SSH: one connection, one command. Nothing of this machine's own SSH is used: no agent, no keys, no
//! known hosts but those of the settings.

use super::advert::{Advert, AdvertError};
use super::fail::fail;
use super::http::MAX_ADVERT_BYTES;
use super::limits::{Deadline, Metered};
use super::{Credentials, Location, Remote, known_hosts};
use crate::config::Secret;
use crate::source::tree::{SourceError, SourceReason};
use ssh2::{Channel, CheckResult, ErrorCode, MethodType, Session};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::thread;

/// Most bytes of what the server says beside the protocol.
const MAX_SAID: u64 = 4096;
// libssh2's numbers.
const KEX_FAILURE: i32 = -5;
const TIMEOUT: i32 = -9;
const SOCKET_TIMEOUT: i32 = -30;
const BANNER_RECV: i32 = -2;
const FILE: i32 = -16;

/// A connection on which the server has said what it has.
pub(super) struct Link {
    channel: Channel,
    watch: Watch,
}

/// Connects, checks the host, logs in, and asks for the references.
pub(super) fn open(remote: &Remote, deadline: Deadline) -> Result<(Advert, Link), SourceError> {
    let Location::Ssh { user, host, port, path } = &remote.location else { return Err(remote.no_git()) };
    let Credentials::SshKey(key) = &remote.credentials else {
        return Err(fail(SourceReason::Unauthorized, "an ssh source needs a key; set PULSE_SOURCE_SSH_KEY"));
    };
    let stream = dial(remote, host, *port, deadline)?;
    // The protocol is many small messages; each would wait for the acknowledgement of the one before.
    stream.set_nodelay(true).map_err(|error| remote.broken_off(&error))?;
    let watch = Watch::new(&stream, deadline).map_err(|error| remote.broken_off(&error))?;
    let blame = |error: ssh2::Error| if deadline.is_over() { remote.timed_out() } else { failed(remote, &error) };
    let mut session = Session::new().map_err(blame)?;
    session.set_timeout(u32::try_from(remote.limits.idle.as_millis()).unwrap_or(u32::MAX));
    session.set_tcp_stream(stream);
    greet(remote, &mut session, host, *port, &blame)?;
    log_in(remote, &session, user.as_deref().unwrap_or(super::DEFAULT_USER), key, &blame)?;
    let mut channel = session.channel_session().map_err(blame)?;
    channel.exec(&format!("git-upload-pack '{}'", path.replace('\'', r"'\''"))).map_err(blame)?;
    let mut link = Link { channel, watch };
    let read =
        Advert::read(&mut Metered::new(&mut link.channel, MAX_ADVERT_BYTES.min(remote.limits.received_bytes), deadline), false);
    match read {
        Ok(advert) => Ok((advert, link)),
        Err(AdvertError::Refused(said)) => Err(remote.repository_missing(&said)),
        Err(AdvertError::Unsupported(why)) => Err(remote.unsupported(&why)),
        Err(AdvertError::Io(error)) => Err(link.mute(remote, &error, deadline)),
    }
}

impl Link {
    /// Sends what is wanted; answers the stream with the pack.
    pub(super) fn fetch(mut self, remote: &Remote, wanted: &[u8]) -> Result<impl Read + use<>, SourceError> {
        self.channel.write_all(wanted).and_then(|()| self.channel.flush()).map_err(|error| remote.broken_off(&error))?;
        Ok(self)
    }

    /// Nothing is wanted.
    pub(super) fn leave(mut self) {
        // The server would only note the difference in its log.
        let _ = self.channel.write_all(b"0000").and_then(|()| self.channel.flush());
    }

    /// The server said nothing, or no protocol: its words beside the protocol say why.
    fn mute(&mut self, remote: &Remote, error: &io::Error, deadline: Deadline) -> SourceError {
        if error.kind() != io::ErrorKind::UnexpectedEof || deadline.is_over() {
            return if deadline.is_over() { remote.timed_out() } else { remote.broken_off(error) };
        }
        let mut said = Vec::new();
        let read = self.channel.stderr().take(MAX_SAID).read_to_end(&mut said);
        match read {
            Ok(1..) => remote.repository_missing(&String::from_utf8_lossy(&said)),
            _ => remote.broken_off(error),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Otherwise libssh2 would wait for a server to say goodbye that may never do.
        self.watch.cut();
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.channel.read(buffer)
    }
}

/// The handshake, with no other kinds of host key than those that are known, and the check.
fn greet(
    remote: &Remote,
    session: &mut Session,
    host: &str,
    port: u16,
    blame: &impl Fn(ssh2::Error) -> SourceError,
) -> Result<(), SourceError> {
    let untrusted = |what: &str| fail(SourceReason::HostUntrusted, format!("{what}; {}", known_hosts::remedy(host, port)));
    let Some(text) = &remote.known_hosts else {
        return Err(untrusted("an ssh source needs the host's keys in PULSE_SOURCE_KNOWN_HOSTS"));
    };
    let mut table = session.known_hosts().map_err(blame)?;
    known_hosts::fill(&mut table, text).map_err(blame)?;
    let algorithms = known_hosts::algorithms(&table, host, port)
        .ok_or_else(|| untrusted(&format!("PULSE_SOURCE_KNOWN_HOSTS has no key of {host} on port {port}")))?;
    session.method_pref(MethodType::HostKey, &algorithms).map_err(blame)?;
    let changed = || {
        untrusted(&format!(
            "{host} on port {port} shows another host key than PULSE_SOURCE_KNOWN_HOSTS holds: somebody may stand between, or the server was set up anew"
        ))
    };
    session
        .handshake()
        .map_err(|error| if error.code() == ErrorCode::Session(KEX_FAILURE) { changed() } else { blame(error) })?;
    let matches = session.host_key().is_some_and(|(key, _)| matches!(table.check_port(host, port, key), CheckResult::Match));
    if matches { Ok(()) } else { Err(changed()) }
}

fn log_in(
    remote: &Remote,
    session: &Session,
    user: &str,
    key: &Secret,
    blame: &impl Fn(ssh2::Error) -> SourceError,
) -> Result<(), SourceError> {
    let unauthorized = |why: &str| fail(SourceReason::Unauthorized, format!("{} refuses us: {why}", remote.location));
    match session.userauth_pubkey_memory(user, None, key.reveal(), None) {
        Ok(()) => Ok(()),
        Err(error) if matches!(error.code(), ErrorCode::Session(FILE)) => Err(unauthorized(
            "PULSE_SOURCE_SSH_KEY is no private key that can be read; make one with `ssh-keygen -t ed25519 -N ''`",
        )),
        // What the connection, not the key, is to blame for.
        Err(error) if matches!(error.code(), ErrorCode::Session(TIMEOUT | SOCKET_TIMEOUT | -43 | -13 | -7)) => Err(blame(error)),
        Err(_) => Err(unauthorized(&format!(
            "user `{user}` may not log in with the key of PULSE_SOURCE_SSH_KEY; add its public half to the repository as a deploy key"
        ))),
    }
}

fn failed(remote: &Remote, error: &ssh2::Error) -> SourceError {
    match error.code() {
        ErrorCode::Session(TIMEOUT | SOCKET_TIMEOUT) => remote.timed_out(),
        ErrorCode::Session(BANNER_RECV) => remote.no_git(),
        _ => remote.unreachable(error.message()),
    }
}

fn dial(remote: &Remote, host: &str, port: u16, deadline: Deadline) -> Result<TcpStream, SourceError> {
    let limit = remote.limits.connect.min(deadline.left());
    let connecting = Deadline::after(limit);
    // The resolver has no time-out of its own that could be set; a thread that it holds ends when it gives up.
    let (sender, receiver) = mpsc::channel();
    let name = (host.to_owned(), port);
    thread::spawn(move || sender.send(name.to_socket_addrs().map(Iterator::collect::<Vec<_>>)));
    let addresses = receiver.recv_timeout(connecting.left()).map_err(|_| remote.timed_out())?;
    let addresses = addresses.map_err(|_| remote.unreachable("there is no host of this name"))?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, connecting.left()) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| remote.unreachable("there is no host of this name"), |error| remote.broken_off(&error)))
}

/// Shuts a connection down when its time is over, whatever libssh2 is waiting for, unless it is dropped before.
struct Watch {
    stream: Arc<TcpStream>,
    done: Arc<(Mutex<bool>, Condvar)>,
}

impl Watch {
    fn new(stream: &TcpStream, deadline: Deadline) -> io::Result<Self> {
        let stream = Arc::new(stream.try_clone()?);
        let watched = Arc::clone(&stream);
        let done = Arc::new((Mutex::new(false), Condvar::new()));
        let seen = Arc::clone(&done);
        thread::Builder::new().name("git-deadline".to_owned()).spawn(move || {
            let (done, wake) = &*seen;
            let done = done.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = wake.wait_timeout_while(done, deadline.left(), |done| !*done).unwrap_or_else(PoisonError::into_inner);
            if waited.1.timed_out() {
                let _ = watched.shutdown(Shutdown::Both);
            }
        })?;
        Ok(Self { stream, done })
    }

    fn cut(&self) {
        // It may be closed already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *self.done.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.done.1.notify_all();
    }
}
