//! Connections as the outside makes them: well behaved, silent, and at the end.

use super::{Peer, serve};
use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

async fn served() -> (SocketAddr, watch::Sender<bool>, JoinHandle<()>) {
    served_by(None).await
}

async fn served_by(tls: Option<TlsAcceptor>) -> (SocketAddr, watch::Sender<bool>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    let front = Router::new().route("/peer", get(async |Extension(Peer(peer)): Extension<Peer>| peer.to_string()));
    let front = front.route("/slow", get(slow));
    (address, stop, tokio::spawn(serve(listener, tls, front, stopping)))
}

/// An answer that takes 5 s, and 5 s more between its first piece and its last.
async fn slow() -> Body {
    wait().await;
    let pieces = futures_util::stream::unfold(["first", "last"].into_iter(), |mut pieces| async move {
        let piece = pieces.next()?;
        wait().await;
        Some((Ok::<_, std::convert::Infallible>(piece), pieces))
    });
    Body::from_stream(pieces)
}

async fn wait() {
    drop(tokio::time::timeout(Duration::from_secs(5), std::future::pending::<()>()).await);
}

async fn ask(stream: &mut TcpStream) -> String {
    ask_over(stream).await
}

async fn ask_over(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
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

#[tokio::test(start_paused = true)]
async fn at_the_stop_nobody_who_says_a_request_slowly_holds_up_the_end() {
    let (address, stop, ended) = served().await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /peer HTTP/1.1\r\nHost:").await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    ask(&mut idle).await;
    let begun = Instant::now();
    stop.send_replace(true);
    ended.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(slow.read(&mut [0; 16]).await.unwrap_or(0), 0);
}

#[tokio::test(start_paused = true)]
async fn at_the_stop_what_is_being_answered_is_answered_to_its_end() {
    let (address, stop, ended) = served().await;
    let mut asking = TcpStream::connect(address).await.unwrap();
    asking.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_millis(10)).await;
    stop.send_replace(true);
    let mut answer = String::new();
    asking.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("first") && answer.contains("last"), "{answer}");
    ended.await.unwrap();
}

mod secure {
    use super::{ask_over, served_by};
    use rcgen::generate_simple_self_signed;
    use rustls::pki_types::{PrivateKeyDer, ServerName};
    use rustls::{ClientConfig, RootCertStore, ServerConfig};
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::time::Instant;
    use tokio_rustls::client::TlsStream;
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    fn both_ends() -> (TlsAcceptor, TlsConnector) {
        let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
        let server = server.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let client = client.with_root_certificates(roots).with_no_client_auth();
        (TlsAcceptor::from(Arc::new(server)), TlsConnector::from(Arc::new(client)))
    }

    async fn connect(connector: &TlsConnector, address: SocketAddr) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(address).await.unwrap();
        connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
    }

    #[tokio::test]
    async fn a_request_over_tls_carries_its_peer_and_its_answer_is_for_tls_only() {
        let (acceptor, connector) = both_ends();
        let (address, _stop, _) = served_by(Some(acceptor)).await;
        let mut stream = connect(&connector, address).await;
        let own = stream.get_ref().0.local_addr().unwrap().to_string();
        let answer = ask_over(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&own), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
    }

    #[tokio::test]
    async fn plain_http_is_told_so() {
        let (address, _stop, _) = served_by(Some(both_ends().0)).await;
        let answer = ask_over(&mut TcpStream::connect(address).await.unwrap()).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.ends_with("write https:// to it"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn stalled_handshakes_hold_up_nobody_and_end_after_ten_seconds() {
        let (acceptor, connector) = both_ends();
        let (address, _stop, _) = served_by(Some(acceptor)).await;
        let begun = Instant::now();
        let mut stalled = Vec::new();
        for at in 0..200 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // Half of them begin a record and never end it.
            if at % 2 == 0 {
                stream.write_all(&[0x16, 3, 1, 2]).await.unwrap();
            }
            stalled.push(stream);
        }
        assert!(ask_over(&mut connect(&connector, address).await).await.starts_with("HTTP/1.1 200"));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        for stream in &mut stalled {
            assert_eq!(stream.read(&mut [0; 16]).await.unwrap_or(0), 0);
        }
        let waited = begun.elapsed();
        assert!(waited >= Duration::from_secs(10) && waited < Duration::from_secs(11), "{waited:?}");
    }
}
