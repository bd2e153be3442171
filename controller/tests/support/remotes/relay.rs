//! A relay in front of a server that falls silent after so many bytes of the server's, however far the protocol has come.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// The relay; its connections end when it is dropped.
pub struct Relay {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    accepting: Option<JoinHandle<()>>,
}

impl Relay {
    /// Falls silent on each connection after so many bytes of the server's.
    pub fn silent_after(server: SocketAddr, bytes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stopping, open) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (stop, streams) = (Arc::clone(&stopping), Arc::clone(&open));
        let accepting = thread::spawn(move || accept(&listener, server, bytes, &stop, &streams));
        Self { address, stopping, open, accepting: Some(accepting) }
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.open.lock().unwrap().iter().for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
        // The last connection wakes the listener, so that it sees that it is over.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, server: SocketAddr, bytes: usize, stopping: &AtomicBool, open: &Mutex<Vec<TcpStream>>) {
    while let Ok((client, _)) = listener.accept() {
        if stopping.load(Ordering::SeqCst) {
            break;
        }
        let server = TcpStream::connect(server).unwrap();
        open.lock().unwrap().extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
        let (up, down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || copy(up, server, usize::MAX));
        thread::spawn(move || copy(down, client, bytes));
    }
}

/// Copies so many bytes; nothing is closed at the end, because silence is what is wanted.
fn copy(mut from: TcpStream, mut to: TcpStream, most: usize) {
    let (mut buffer, mut left) = ([0; 4096], most);
    while left > 0 {
        let size = buffer.len().min(left);
        match from.read(&mut buffer[..size]) {
            Ok(0) | Err(_) => return,
            Ok(read) => match to.write_all(&buffer[..read]) {
                Ok(()) => left -= read,
                Err(_) => return,
            },
        }
    }
}
