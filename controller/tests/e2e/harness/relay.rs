//! A network between two sides that misbehaves as it is told: it falls silent both ways or one way, it is slow, it breaks. Silence tells
//! nobody: connections stay, new ones are accepted, and nothing comes through.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// The network, until it is dropped.
pub struct Relay {
    address: SocketAddr,
    line: Arc<Line>,
}

/// One way through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From who connected to the server.
    There,
    /// From the server to who connected.
    Back,
}

#[derive(Default)]
struct State {
    /// By [`Way`]: nothing comes through.
    silent: [bool; 2],
    delay: Duration,
    over: bool,
    connections: HashMap<u64, [TcpStream; 2]>,
    accepted: u64,
}

#[derive(Default)]
struct Line {
    state: Mutex<State>,
    changed: Condvar,
}

impl Relay {
    /// To the server of this database.
    pub fn new(url: &str) -> Self {
        let (_, server, _) = parts(url);
        Self::before(server)
    }

    /// To this host and port.
    pub fn before(server: &str) -> Self {
        let server: SocketAddr = server.parse().unwrap_or_else(|error| panic!("{server}: {error}"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let line = Arc::new(Line::default());
        let accepting = Arc::clone(&line);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.state.lock().unwrap().over {
                    return;
                }
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(server)) else { continue };
                accepting.connect(&client, &server);
            }
        });
        Self { address, line }
    }

    /// Host and port of its entrance.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same database on the other side of this network.
    pub fn url(&self, url: &str) -> String {
        let (before, _, after) = parts(url);
        format!("{before}{}{after}", self.address)
    }

    /// From now on nothing comes through, and nobody is told.
    pub fn fall_silent(&self) {
        self.line.turn(|state| state.silent = [true; 2]);
    }

    /// The same in one way only: the other side is heard and does not hear.
    pub fn fall_silent_one_way(&self, way: Way) {
        self.line.turn(|state| state.silent[way as usize] = true);
    }

    /// Whatever is read takes so long to come through, each way.
    pub fn slow_down(&self, delay: Duration) {
        self.line.turn(|state| state.delay = delay);
    }

    /// Every connection breaks, with what is under way in it. New ones are as before.
    pub fn cut(&self) {
        self.line.turn(|state| state.connections.drain().for_each(|(_, both)| both.iter().for_each(shut)));
    }

    /// What was held up comes through, and everything after it.
    pub fn mend(&self) {
        self.line.turn(|state| (state.silent, state.delay) = ([false; 2], Duration::ZERO));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.mend();
        self.line.turn(|state| state.over = true);
        self.cut();
        // Wakes who waits for a connection.
        drop(TcpStream::connect(self.address));
    }
}

impl Line {
    fn turn(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }

    fn connect(self: &Arc<Self>, client: &TcpStream, server: &TcpStream) {
        let copy = |stream: &TcpStream| stream.try_clone().unwrap();
        let number = {
            let mut state = self.state.lock().unwrap();
            state.accepted += 1;
            let number = state.accepted;
            state.connections.insert(number, [copy(client), copy(server)]);
            number
        };
        for (way, from, to) in [(Way::There, copy(client), copy(server)), (Way::Back, copy(server), copy(client))] {
            let line = Arc::clone(self);
            std::thread::spawn(move || line.carry(way, number, from, to));
        }
    }

    /// One way of a connection, to its end.
    fn carry(&self, way: Way, number: u64, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            self.pass(way);
            if to.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        // An end is silent, too.
        self.pass(way);
        shut(&to);
        shut(&from);
        self.state.lock().unwrap().connections.remove(&number);
    }

    fn pass(&self, way: Way) {
        let delay = self.state.lock().unwrap().delay;
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| state.silent[way as usize]).unwrap());
    }
}

fn shut(stream: &TcpStream) {
    // The other side may have ended it already.
    drop(stream.shutdown(Shutdown::Both));
}

/// What stands before the host and port, these, and what stands after them.
fn parts(url: &str) -> (&str, &str, &str) {
    let begin = url.find('@').expect("a URL with a user") + 1;
    let end = url[begin..].find('/').expect("a URL with a database") + begin;
    (&url[..begin], &url[begin..end], &url[end..])
}

#[cfg(test)]
mod tests {
    use super::{Relay, Way};
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    const SHORT: Duration = Duration::from_millis(200);

    /// Both ends of a connection through a relay. A read waits for a second at most.
    fn connection() -> (Relay, TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Relay::before(&listener.local_addr().unwrap().to_string());
        let client = TcpStream::connect(relay.address()).unwrap();
        let (server, _) = listener.accept().unwrap();
        [&client, &server].into_iter().for_each(|end| end.set_read_timeout(Some(Duration::from_secs(1))).unwrap());
        (relay, client, server)
    }

    /// Whether a byte comes through, within a read's patience.
    fn passes(mut from: &TcpStream, mut to: &TcpStream) -> bool {
        from.write_all(b"x").unwrap();
        to.read_exact(&mut [0]).is_ok()
    }

    #[test]
    fn a_half_open_connection_carries_one_way_and_loses_nothing() {
        let (relay, client, server) = connection();
        assert!(passes(&client, &server) && passes(&server, &client));
        relay.fall_silent_one_way(Way::Back);
        assert!(passes(&client, &server) && !passes(&server, &client));
        relay.mend();
        assert!((&client).read_exact(&mut [0]).is_ok(), "what was held up comes through");
        relay.fall_silent_one_way(Way::There);
        assert!(passes(&server, &client) && !passes(&client, &server));
    }

    #[test]
    fn a_slow_network_is_late_and_a_cut_one_ends() {
        let (relay, client, server) = connection();
        relay.slow_down(SHORT);
        let begun = Instant::now();
        assert!(passes(&client, &server) && begun.elapsed() >= SHORT);
        relay.mend();
        relay.cut();
        for end in [&client, &server] {
            assert!(!matches!((&*end).read(&mut [0]), Ok(1..)), "both ends learn of it");
        }
    }
}
