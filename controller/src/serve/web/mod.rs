//! Connections from outside: accepted, told apart by their peer, each served by itself, all ended in order. What is answered is
//! the API's.

mod connection;
mod peer;

pub use peer::Peer;

use axum::Router;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// The pause where the machine has no room for another connection: too many files are open, say.
const NO_ROOM: Duration = Duration::from_secs(1);

/// Answers whoever connects, until the stop and until what was asked before it is answered.
pub(super) async fn serve(listener: TcpListener, front: Router, stopping: watch::Receiver<bool>) {
    let mut stop = stopping.clone();
    let (open, mut all_closed) = mpsc::channel::<std::convert::Infallible>(1);
    loop {
        let (stream, peer) = tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => break,
            accepted = accept(&listener) => accepted,
        };
        let served = connection::Served { front: front.clone(), peer: Peer(peer), stopping: stopping.clone() };
        let open = open.clone();
        tokio::spawn(async move {
            served.over(stream).await;
            drop(open);
        });
    }
    drop((listener, open));
    all_closed.recv().await;
}

/// The next connection. One that broke before it was taken up is nobody's trouble.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Small frames go out at once instead of waiting for the other side's delayed acknowledgement.
                drop(stream.set_nodelay(true));
                return (stream, peer);
            }
            Err(error) if is_of_one(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be taken up; trying again");
                sleep_until(Instant::now() + NO_ROOM).await;
            }
        }
    }
}

fn is_of_one(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}

#[cfg(test)]
mod tests;
