//! One connection, from its first byte to its end.

use super::Peer;
use super::answering::Answering;
use axum::Router;
use axum::body::Body;
use axum::handler::Handler;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::any_service;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How long a new connection may take to say what it wants. Whoever only holds it open is cut off.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// How long one that was served may be silent, or take to say what it wants next.
const NEXT_REQUEST: Duration = Duration::from_secs(75);

/// How long a request that was begun before a stop may take to be said.
const LAST_REQUEST: Duration = Duration::from_secs(1);

/// Browsers shall never speak plain HTTP to this host again, for a year. Said over TLS only, as the standard wants it.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What a connection needs to be served.
pub(super) struct Served {
    pub(super) front: Router,
    pub(super) peer: Peer,
    pub(super) is_tls: bool,
    pub(super) stopping: watch::Receiver<bool>,
}

impl Served {
    /// Serves it to its end. What has become a WebSocket by then lives on.
    pub(super) async fn over(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let (asked, answering) = (AtomicBool::new(false), Answering::default());
        let service = service_fn(|request: hyper::Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            let (answer, one) = (self.answer(request), answering.begin());
            async move { Ok::<_, Infallible>(answer.await.map(|body| one.until_the_end_of(body))) }
        });
        let mut connection = pin!(http().serve_connection(TokioIo::new(stream), service).with_upgrades());
        let silent = sleep_until(Instant::now() + FIRST_REQUEST);
        let (mut silent, mut stopped, mut ending) = (pin!(silent), self.stopping.clone(), false);
        let mut half_said = pin!(sleep_until(Instant::now()));
        loop {
            tokio::select! {
                over = connection.as_mut() => return drop(over),
                _ = stopped.wait_for(|stopping| *stopping), if !ending => {
                    ending = true;
                    half_said.as_mut().reset(Instant::now() + LAST_REQUEST);
                    connection.as_mut().graceful_shutdown();
                }
                // Nobody who says a request slowly holds up the end, and whoever takes over.
                () = &mut half_said, if ending && !answering.is_any() => if !answering.is_any() { return },
                // It may have asked while this was waited for.
                () = &mut silent, if !asked.load(Ordering::Relaxed) => if !asked.load(Ordering::Relaxed) { return },
            }
        }
    }

    fn answer(&self, mut request: hyper::Request<Incoming>) -> impl Future<Output = Response> + use<> {
        request.extensions_mut().insert(self.peer);
        let (answer, is_tls) = (any_service(self.front.clone()).call(request.map(Body::new), ()), self.is_tls);
        async move {
            let mut answer = answer.await;
            if is_tls {
                answer.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
            }
            answer
        }
    }
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(NEXT_REQUEST);
    http
}
