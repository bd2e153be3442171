//! TLS handshakes: each has little time, and only so many are under way at once. Whoever is in the middle of one is nobody yet, so that
//! under a flood the oldest ones make room.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a handshake may take.
const LONGEST: Duration = Duration::from_secs(10);
/// How many may be under way: some tens of MiB at most.
const MOST: usize = 1024;
/// One that is older makes room where there is none; honest ones take some milliseconds.
const OLD: Duration = Duration::from_secs(1);

/// What somebody is told who speaks plain HTTP here.
const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 52\r\n\r\n\
This address speaks https only: write https:// to it";

/// The handshakes under way, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Handshakes(VecDeque<(Instant, oneshot::Sender<()>)>);

/// Leave to shake hands, until it is taken away.
pub(super) type Leave = oneshot::Receiver<()>;

impl Handshakes {
    /// Leave for one more. Where there is no room, the oldest one loses its own: at once if it is old, else in a moment.
    pub(super) async fn leave(&mut self) -> Leave {
        self.0.retain(|(_, under_way)| !under_way.is_closed());
        if self.0.len() >= MOST
            && let Some((begun, mut oldest)) = self.0.pop_front()
        {
            drop(timeout_at(begun + OLD, oldest.closed()).await);
        }
        let (taken_away, leave) = oneshot::channel();
        self.0.push_back((Instant::now(), taken_away));
        leave
    }
}

/// Shakes hands; `None` with whoever does not, or not in time.
pub(super) async fn shake(acceptor: &TlsAcceptor, stream: TcpStream, leave: Leave) -> Option<TlsStream<TcpStream>> {
    let shaken = tokio::select! {
        shaken = timeout(LONGEST, shake_hands(acceptor, stream)) => shaken.ok()?,
        _ = leave => return None,
    };
    // Scanners, and agents that trust another authority: told to the other side by TLS itself.
    shaken.inspect_err(|error| tracing::debug!(%error, "a TLS handshake failed")).ok()
}

async fn shake_hands(acceptor: &TlsAcceptor, mut stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    // A request begins with a letter; TLS does not.
    if stream.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase() {
        stream.write_all(PLAIN).await?;
        stream.shutdown().await?;
        return Err(std::io::Error::other("plain HTTP was spoken"));
    }
    acceptor.accept(stream).await
}

#[cfg(test)]
mod tests {
    use super::{Handshakes, MOST, OLD};
    use tokio::time::{Instant, advance};

    #[tokio::test(start_paused = true)]
    async fn stalled_handshakes_make_room_for_new_ones() {
        let mut handshakes = Handshakes::default();
        let mut stalled = Vec::new();
        for _ in 0..MOST {
            stalled.push(handshakes.leave().await);
        }
        let begun = Instant::now();
        let first = handshakes.leave().await;
        assert_eq!(begun.elapsed(), OLD, "a young one gets its second");
        assert!(stalled[0].try_recv().is_err_and(|error| error == tokio::sync::oneshot::error::TryRecvError::Closed));
        let begun = Instant::now();
        let second = handshakes.leave().await;
        assert_eq!(begun.elapsed().as_millis(), 0, "the others are old by now");
        assert_eq!(handshakes.0.len(), MOST);
        drop((first, second, stalled));
        advance(OLD).await;
        drop(handshakes.leave().await);
        assert_eq!(handshakes.0.len(), 1, "what is over takes no room");
    }
}
