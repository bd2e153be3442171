//! A network between a controller and its database that can fall silent: connections stay, and nothing comes through.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// The network, until it is dropped.
pub struct Relay {
    address: SocketAddr,
    line: Arc<Line>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Silent,
    Over,
}

struct Line {
    state: Mutex<State>,
    changed: Condvar,
}

impl Relay {
    /// To the server of this database.
    pub fn new(url: &str) -> Self {
        let (_, server, _) = parts(url);
        let server: SocketAddr = server.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let line = Arc::new(Line { state: Mutex::new(State::Open), changed: Condvar::new() });
        let accepting = Arc::clone(&line);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if *accepting.state.lock().unwrap() == State::Over {
                    return;
                }
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(server)) else { continue };
                let ways = [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))];
                for (from, to) in ways.map(|(from, to)| (from.unwrap(), to.unwrap())) {
                    let line = Arc::clone(&accepting);
                    std::thread::spawn(move || line.carry(from, to));
                }
            }
        });
        Self { address, line }
    }

    /// The same database on the other side of this network.
    pub fn url(&self, url: &str) -> String {
        let (before, _, after) = parts(url);
        format!("{before}{}{after}", self.address)
    }

    /// From now on nothing comes through, and nobody is told.
    pub fn fall_silent(&self) {
        self.line.turn(State::Silent);
    }

    /// What was held up comes through, and everything after it.
    pub fn mend(&self) {
        self.line.turn(State::Open);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.line.turn(State::Over);
        // Wakes who waits for a connection.
        drop(TcpStream::connect(self.address));
    }
}

impl Line {
    fn turn(&self, state: State) {
        *self.state.lock().unwrap() = state;
        self.changed.notify_all();
    }

    /// One way of a connection, to its end.
    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            self.pass();
            if to.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        // An end is silent, too.
        self.pass();
        drop(to.shutdown(Shutdown::Both));
        drop(from.shutdown(Shutdown::Both));
    }

    fn pass(&self) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| *state == State::Silent).unwrap());
    }
}

/// What stands before the host and port, these, and what stands after them.
fn parts(url: &str) -> (&str, &str, &str) {
    let begin = url.find('@').expect("a URL with a user") + 1;
    let end = url[begin..].find('/').expect("a URL with a database") + begin;
    (&url[..begin], &url[begin..end], &url[end..])
}
