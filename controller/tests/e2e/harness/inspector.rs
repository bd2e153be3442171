//! An address before a controller that holds every request and every answer against the OpenAPI document.

use crate::contract::{Call, judge};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The address, for as long as the test runs.
pub struct Inspector {
    address: String,
    seen: Arc<Mutex<Seen>>,
}

/// What came through.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// The operations that were asked for.
    pub operations: BTreeSet<&'static str>,
    /// What the document does not say.
    pub wrong: Vec<String>,
}

impl Inspector {
    /// Before this controller.
    pub fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (seen, server) = (Arc::new(Mutex::new(Seen::default())), server.to_owned());
        let of_thread = Arc::clone(&seen);
        let http = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        // It ends with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (server, seen, http) = (server.clone(), Arc::clone(&of_thread), http.clone());
                std::thread::spawn(move || pass_on(client, &server, &http, &seen));
            }
        });
        Self { address, seen }
    }

    /// Its own address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What came through so far.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

/// One request and its answer; the connection is closed then, so that the next one comes over another.
fn pass_on(mut client: TcpStream, server: &str, http: &ureq::Agent, seen: &Mutex<Seen>) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut request, mut length) = (ureq::http::Request::builder().method(method.as_str()).uri(format!("{server}{path}")), 0);
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "host" | "connection" | "expect" => {}
            _ => request = request.header(name, value),
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut answer = match body.is_empty() {
        true => http.run(request.body(()).ok()?),
        false => http.run(request.body(body.clone()).ok()?),
    }
    .ok()?;
    let told = answer.body_mut().with_config().limit(64 << 20).read_to_vec().ok()?;
    let content = answer.headers().get("content-type").map_or("", |value| value.to_str().unwrap_or_default());
    let judged = judge(&Call { method: &method, path: &path, body: &body }, answer.status().as_u16(), content, &told);
    {
        let mut seen = seen.lock().unwrap();
        match judged {
            Ok(operation) => seen.operations.extend(operation),
            Err(wrong) => seen.wrong.push(wrong),
        }
    }
    let mut head = format!("HTTP/1.1 {} -\r\nconnection: close\r\ncontent-length: {}\r\n", answer.status().as_u16(), told.len());
    for (name, value) in answer.headers().iter().filter(|(name, _)| !["connection", "content-length"].contains(&name.as_str())) {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    client.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    client.write_all(&told).ok()
}
