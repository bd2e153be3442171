//! Connections from outside: accepted, told apart by their peer, each served by itself, all ended in order. What is answered is
//! the API's.

mod answering;
mod connection;
mod handshake;
mod peer;

pub use peer::Peer;

use axum::Router;
use handshake::Handshakes;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsAcceptor;

/// The pause where the machine has no room for another connection: too many files are open, say.
const NO_ROOM: Duration = Duration::from_secs(1);

/// Answers whoever connects, until the stop and until what was asked before it is answered.
pub(super) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, front: Router, stopping: watch::Receiver<bool>) {
    let (mut stop, mut handshakes) = (stopping.clone(), Handshakes::default());
    let (open, mut all_closed) = mpsc::channel::<std::convert::Infallible>(1);
    loop {
        let (stream, peer) = tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => break,
            accepted = accept(&listener) => accepted,
        };
        let (front, peer, stopping, is_tls) = (front.clone(), Peer(peer), stopping.clone(), tls.is_some());
        let (served, open) = (connection::Served { front, peer, is_tls, stopping }, open.clone());
        // Each handshake in a task of its own: a stalled one holds up nobody.
        let secure = match &tls {
            Some(acceptor) => Some((acceptor.clone(), handshakes.leave().await)),
            None => None,
        };
        tokio::spawn(async move {
            match secure {
                None => served.over(stream).await,
                Some((acceptor, leave)) => {
                    if let Some(stream) = handshake::shake(&acceptor, stream, leave).await {
                        served.over(stream).await;
                    }
                }
            }
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
