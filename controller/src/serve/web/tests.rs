//! Connections as the outside makes them: well behaved, silent, and at the end.

use super::{Peer, serve};
use axum::routing::get;
use axum::{Extension, Router};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

async fn served() -> (SocketAddr, watch::Sender<bool>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    let front = Router::new().route("/peer", get(async |Extension(Peer(peer)): Extension<Peer>| peer.to_string()));
    (address, stop, tokio::spawn(serve(listener, front, stopping)))
}

async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /peer HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n").await.unwrap();
    let mut bytes = [0; 1024];
    let read = stream.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

#[tokio::test]
async fn a_request_carries_the_address_at_the_other_end_of_its_socket() {
    let (address, _stop, _) = served().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let own = stream.local_addr().unwrap().to_string();
    for _ in 0..2 {
        let answer = ask(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&own), "{answer}");
        assert!(!answer.to_lowercase().contains("strict-transport-security"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_cut_off_and_one_that_has_asked_is_not() {
    let (address, _stop, _) = served().await;
    let begun = Instant::now();
    let mut served = TcpStream::connect(address).await.unwrap();
    ask(&mut served).await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /peer HTTP/1.1\r\nHost:").await.unwrap();
    assert_eq!(slow.read(&mut [0; 16]).await.unwrap_or(0), 0);
    assert!(begun.elapsed() < Duration::from_secs(11), "{:?}", begun.elapsed());
    assert!(ask(&mut served).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn at_the_stop_idle_connections_end_and_so_does_the_server() {
    let (address, stop, ended) = served().await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    ask(&mut idle).await;
    stop.send_replace(true);
    assert_eq!(idle.read(&mut [0; 16]).await.unwrap_or(0), 0);
    ended.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
