//! One address before two controllers, as a Service of Kubernetes is: a new connection goes to whichever controller is ready, and
//! stays where it is.

use super::Api;
use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often each controller is asked whether it is ready, and how long it may take to answer.
const PROBE: Duration = Duration::from_millis(100);

/// The address, until it is dropped.
pub struct Front {
    api: Api,
    ended: Arc<AtomicBool>,
}

/// A controller behind it.
struct Backend {
    /// Host and port.
    address: String,
    ready: AtomicBool,
}

impl Front {
    /// Before these controllers, which have one token.
    pub fn new(controllers: &[&Api]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let ended = Arc::new(AtomicBool::new(false));
        let host = |api: &Api| api.address().trim_start_matches("http://").to_owned();
        let backends = controllers.iter().map(|api| Backend { address: host(api), ready: AtomicBool::new(false) });
        let backends: Arc<Vec<Backend>> = Arc::new(backends.collect());
        for (place, api) in controllers.iter().enumerate() {
            let (api, backends, ended) = (api.patient(Duration::from_secs(1)), Arc::clone(&backends), Arc::clone(&ended));
            std::thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    backends[place].ready.store(api.is_ready(), Ordering::Relaxed);
                    std::thread::sleep(PROBE);
                }
            });
        }
        let over = Arc::clone(&ended);
        std::thread::spawn(move || accept(&listener, &backends, &over));
        Self { api: Api::new(address, controllers[0].admin_token().to_owned()), ended }
    }

    /// Whichever controller is ready.
    pub const fn api(&self) -> &Api {
        &self.api
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes who waits for a connection.
        drop(TcpStream::connect(self.api.address().trim_start_matches("http://")));
    }
}

fn accept(listener: &TcpListener, backends: &[Backend], ended: &AtomicBool) {
    for client in listener.incoming() {
        if ended.load(Ordering::Relaxed) {
            return;
        }
        let Some(backend) = backends.iter().find(|backend| backend.ready.load(Ordering::Relaxed)) else { continue };
        let (Ok(client), Ok(server)) = (client, TcpStream::connect(&backend.address)) else { continue };
        for (mut from, mut to) in [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))].map(both) {
            std::thread::spawn(move || {
                // Whichever way it ends, the other side learns of it.
                drop(copy(&mut from, &mut to));
                drop(to.shutdown(Shutdown::Both));
            });
        }
    }
}

fn both((from, to): (std::io::Result<TcpStream>, std::io::Result<TcpStream>)) -> (TcpStream, TcpStream) {
    (from.unwrap(), to.unwrap())
}
