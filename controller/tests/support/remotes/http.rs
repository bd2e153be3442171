//! A web server on a free port of loopback, with or without TLS and Basic auth, that hands every request to `git http-backend`,
//! remembers them, and misbehaves on demand. A thread for each connection; all end when it is dropped.

use super::cgi::{self, Request};
use super::switch::{Fault, Switch};
use base64::Engine;
use rustls::pki_types::PrivateKeyDer;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// No stall of a fault outlives this, whatever happens to the test.
const LONGEST_STALL: Duration = Duration::from_secs(60);

/// A private certificate authority.
pub struct Authority {
    /// Its certificate as PEM.
    pub pem: String,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    /// A new one.
    pub fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: rcgen::Issuer::new(params, key) }
    }

    fn server(&self, name: &str) -> Arc<rustls::ServerConfig> {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Arc::new(builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap())
    }
}

/// The server.
pub struct HttpRemote {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    root: PathBuf,
    credentials: Mutex<Option<String>>,
    tls: Option<Arc<rustls::ServerConfig>>,
    switch: Switch,
    log: Mutex<Vec<String>>,
    sent: Mutex<u64>,
    stopped: (Mutex<bool>, Condvar),
    stopping: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl HttpRemote {
    /// Serves the repositories below this folder to everybody.
    pub fn open(root: &Path) -> Self {
        Self::start(root, None, None)
    }

    /// Serves them to one user with a token.
    pub fn guarded(root: &Path, user: &str, token: &str) -> Self {
        Self::start(root, Some((user, token)), None)
    }

    /// Serves them with TLS, under a certificate for this name or address, to one user with a token.
    pub fn secure(root: &Path, user: &str, token: &str, authority: &Authority, name: &str) -> Self {
        Self::start(root, Some((user, token)), Some(authority.server(name)))
    }

    fn start(root: &Path, user: Option<(&str, &str)>, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            credentials: Mutex::new(user.map(|(user, token)| basic(user, token))),
            tls,
            switch: Switch::default(),
            log: Mutex::default(),
            sent: Mutex::default(),
            stopped: Default::default(),
            stopping: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let accepting = thread::spawn(move || accept(&listener, &accepting));
        Self { address, shared, accepting: Some(accepting) }
    }

    /// The URL of `ops.git` below the root.
    pub fn url(&self) -> String {
        self.url_at("127.0.0.1")
    }

    /// The same under another name of loopback.
    pub fn url_at(&self, host: &str) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{host}:{}/ops.git", self.address.port())
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From the next request on this user and token are let in, and nobody else.
    pub fn guard(&self, user: &str, token: &str) {
        *self.shared.credentials.lock().unwrap() = Some(basic(user, token));
    }

    /// Misbehaves from the next request on, or not any more.
    pub fn fault(&self, fault: Option<Fault>) {
        self.shared.switch.set(fault);
    }

    /// What was asked since the last time, `METHOD target` each.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.log.lock().unwrap())
    }

    /// Bytes of bodies that were sent since the last time.
    pub fn take_sent(&self) -> u64 {
        std::mem::take(&mut *self.shared.sent.lock().unwrap())
    }
}

impl Drop for HttpRemote {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        *self.shared.stopped.0.lock().unwrap() = true;
        self.shared.stopped.1.notify_all();
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // The last connection wakes the listener, so that it sees that it is over.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut serving = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        if shared.stopping.load(Ordering::SeqCst) {
            break;
        }
        let _ = stream.set_nodelay(true);
        shared.open.lock().unwrap().push(stream.try_clone().unwrap());
        let shared = Arc::clone(shared);
        // A client that goes away in the middle is none of our business.
        serving.push(thread::spawn(move || drop(shared.connection(stream))));
    }
    serving.into_iter().for_each(|thread| drop(thread.join()));
}

impl Shared {
    fn connection(&self, stream: TcpStream) -> std::io::Result<()> {
        if self.switch.get() == Some(Fault::Mute) {
            self.stall(LONGEST_STALL);
            return Ok(());
        }
        // The list of open streams holds it too, so dropping alone would not close it.
        let end = stream.try_clone()?;
        let served = match &self.tls {
            Some(config) => {
                let connection = rustls::ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
                self.serve(BufReader::new(rustls::StreamOwned::new(connection, stream)))
            }
            None => self.serve(BufReader::new(stream)),
        };
        let _ = end.shutdown(Shutdown::Both);
        served
    }

    fn serve<S: Read + Write>(&self, mut stream: BufReader<S>) -> std::io::Result<()> {
        while let Some(request) = read(&mut stream)? {
            self.log.lock().unwrap().push(format!("{} {}", request.method, request.target));
            if !self.answer(stream.get_mut(), &request)? {
                break;
            }
        }
        Ok(())
    }

    fn lets_in(&self, request: &Request) -> bool {
        let wanted = self.credentials.lock().unwrap();
        wanted.is_none() || request.header("authorization") == wanted.as_deref()
    }

    /// Whether the connection goes on.
    fn answer(&self, to: &mut impl Write, request: &Request) -> std::io::Result<bool> {
        let fault = self.switch.get();
        if let Some(Fault::Status(status)) = fault {
            return self.send(to, status, "text/plain", b"no").map(|()| true);
        }
        if fault == Some(Fault::Redirect) {
            let target = &request.target;
            let head =
                format!("HTTP/1.1 301 Moved\r\nLocation: http://elsewhere.example.org{target}\r\nContent-Length: 0\r\n\r\n");
            return to.write_all(head.as_bytes()).map(|()| true);
        }
        if !self.lets_in(request) {
            let head = "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"git\"\r\nContent-Length: 0\r\n\r\n";
            return to.write_all(head.as_bytes()).map(|()| true);
        }
        let advert = request.method == "GET";
        match fault {
            Some(Fault::Page) => self.send(to, 200, "text/html", b"<html>Hello").map(|()| true),
            Some(Fault::GarbageAdvert) => self.send(to, 200, ADVERT, b"<html>Hello").map(|()| true),
            Some(Fault::StallAdvert) if advert => {
                self.stall(LONGEST_STALL);
                Ok(false)
            }
            Some(Fault::Endless) if advert => self.endless(to).map(|()| false),
            Some(Fault::Echo) if advert => {
                let said = format!("ERR you are {}\n", request.header("authorization").unwrap_or("nobody"));
                let body = format!("001e# service=git-upload-pack\n0000{:04x}{said}", said.len() + 4);
                self.send(to, 200, ADVERT, body.as_bytes()).map(|()| true)
            }
            _ => {
                let (status, kind, body) = cgi::answer(&self.root, request);
                match fault {
                    Some(fault) if !advert || matches!(fault, Fault::Trickle(_)) => self.spoilt(to, status, &kind, &body, fault),
                    _ => self.send(to, status, &kind, &body).map(|()| true),
                }
            }
        }
    }

    fn send(&self, to: &mut impl Write, status: u16, kind: &str, body: &[u8]) -> std::io::Result<()> {
        *self.sent.lock().unwrap() += body.len() as u64;
        to.write_all(head(status, kind, body.len()).as_bytes())?;
        to.write_all(body)?;
        to.flush()
    }

    /// The answer, as the fault has it.
    fn spoilt(&self, to: &mut impl Write, status: u16, kind: &str, body: &[u8], fault: Fault) -> std::io::Result<bool> {
        to.write_all(head(status, kind, body.len()).as_bytes())?;
        match fault {
            Fault::StallPack(after) => {
                to.write_all(&body[..after.min(body.len())])?;
                to.flush()?;
                self.stall(LONGEST_STALL);
            }
            Fault::CutPack(after) => {
                to.write_all(&body[..after.min(body.len())])?;
                to.flush()?;
            }
            Fault::GarbagePack(after) => {
                let mut body = body.to_vec();
                body.iter_mut().skip(after).for_each(|byte| *byte = !*byte);
                to.write_all(&body)?;
                to.flush()?;
            }
            Fault::FlipPack(at) => {
                let mut body = body.to_vec();
                body.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0x55);
                to.write_all(&body)?;
                to.flush()?;
                return Ok(true);
            }
            Fault::Trickle(pause) => {
                for byte in body {
                    to.write_all(&[*byte])?;
                    to.flush()?;
                    if self.stall(pause) {
                        break;
                    }
                }
            }
            _ => to.write_all(body).and_then(|()| to.flush())?,
        }
        Ok(false)
    }

    fn endless(&self, to: &mut impl Write) -> std::io::Result<()> {
        to.write_all(format!("HTTP/1.1 200 OK\r\nContent-Type: {ADVERT}\r\n\r\n001e# service=git-upload-pack\n0000").as_bytes())?;
        let line = format!("003f{} refs/heads/x\n", "1".repeat(40));
        let line = format!("{:04x}{}", line.len(), &line[4..]);
        let many = line.repeat(1000);
        while !self.stopping.load(Ordering::SeqCst) {
            to.write_all(many.as_bytes())?;
        }
        Ok(())
    }

    /// Waits; true once the server is dropped.
    fn stall(&self, time: Duration) -> bool {
        let stopped = self.stopped.0.lock().unwrap();
        *self.stopped.1.wait_timeout_while(stopped, time, |stopped| !*stopped).unwrap().0
    }
}

fn basic(user: &str, token: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{token}")))
}

const ADVERT: &str = "application/x-git-upload-pack-advertisement";

fn head(status: u16, kind: &str, length: usize) -> String {
    format!("HTTP/1.1 {status} Said\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n")
}

/// A request; `None` where the client has said its last.
fn read(from: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut request =
        Request { method: words.next().unwrap_or_default(), target: words.next().unwrap_or_default(), ..Default::default() };
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body = vec![0; length];
    from.read_exact(&mut request.body)?;
    Ok(Some(request))
}
