//! A small HTTP server in the test's process that answers as the test says, and `pulse` run against it.

#![expect(dead_code, reason = "each test file uses a part of this")]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Lines of the header, in lower case.
    pub headers: Vec<String>,
    /// The body as JSON, or null.
    pub body: Value,
}

impl Request {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

/// What to answer.
pub enum Reply {
    /// Status and JSON.
    Json(u16, Value),
    /// Status and text.
    Text(u16, String),
    /// Close the connection without a word.
    HangUp,
}

/// A running server; it ends with the test's process.
pub struct FakeServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl FakeServer {
    /// Answers each request by what the closure says.
    pub fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                std::thread::spawn(move || serve(stream, &*answer, &seen));
            }
        });
        Self { address, requests }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was asked.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no test panicked in here").clone()
    }

    /// `pulse` with this server and a token, ready to run.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = pulse(args);
        command.env("PULSE_SERVER", self.url()).env("PULSE_TOKEN", "test-token");
        command
    }

    /// Runs `pulse` to its end.
    pub fn pulse(&self, args: &[&str]) -> Ended {
        Ended::from(self.command(args).output().expect("pulse runs"))
    }
}

/// `pulse` with an environment that holds nothing of the machine's.
pub fn pulse(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulse"));
    command.args(args).env_clear().env("TZ", "UTC");
    command
}

/// How `pulse` ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    /// Its data.
    pub stdout: String,
    /// Its messages.
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&Request) -> Reply, seen: &Mutex<Vec<Request>>) {
    let Some(request) = read(&stream) else { return };
    let reply = answer(&request);
    seen.lock().expect("no test panicked in here").push(request);
    let (status, kind, body) = match reply {
        Reply::Json(status, body) => (status, "application/json", body.to_string()),
        Reply::Text(status, body) => (status, "text/html", body),
        Reply::HangUp => return,
    };
    let head =
        format!("HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    // A client that was ended by the test reads nothing more.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut words = first.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ")?;
        headers.push(format!("{}: {value}", name.to_lowercase()));
    }
    let mut request = Request { method, target, headers, body: Value::Null };
    let length = request.header("content-length").map_or(0, |length| length.parse().expect("a number"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if length > 0 {
        request.body = serde_json::from_slice(&body).expect("JSON");
    }
    Some(request)
}
