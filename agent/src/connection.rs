//! The WebSocket to the controller: comes up, proves who we are, passes messages both ways, comes up again. It decides
//! nothing about attempts.

use crate::acts;
use crate::budget::Budget;
use crate::config::Settings;
use crate::identity::Identity;
use crate::outbox::{Next, Outbox};
use crate::trust::{Found, Trust};
use crate::vitals::{self, Meter};
use crate::wire::{self, NoWire, Wire};
use crate::worker::Event;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, SinkExt, StreamExt};
use pulse_protocol::frame::{MAX_FRAME, decode, encode};
use pulse_protocol::message::{Identify, challenge_text};
use pulse_protocol::version::SUPPORTED;
use pulse_protocol::{BootId, Epoch, Incarnation, ToAgent, ToController, failpoint};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::http::header::RETRY_AFTER;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// How long coming in may take, and how long one frame may take to leave.
const HANDSHAKE: Duration = Duration::from_secs(10);
const SEND: Duration = Duration::from_secs(30);
/// A ping goes in one packet with the heartbeat that follows it: the controller wakes up once for both. Whatever is sent does not wait for more.
const TOGETHER: usize = 64;
/// How often spools of running commands are looked at.
const OUTPUT_LOOK: Duration = Duration::from_millis(50);
/// How often it is looked whether another key shall take the place of this one.
const KEY_LOOK: Duration = Duration::from_secs(1);
/// Bounds of the heartbeat interval: the controller calls an agent offline after 30 s of silence.
const HEARTBEAT: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(10)];
/// Bounds of the pause between two tries: a controller that is replaced is found again within seconds of its leases' 10 s.
const PAUSE: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(5)];
/// What dice may add where a controller stops: the next one is active within a second, and a fleet shall not come in step.
const RESTART: Duration = Duration::from_secs(1);
/// The upper bound once many tries have failed (after about a minute).
const LONG_PAUSE: Duration = Duration::from_secs(30);
const MANY: u32 = 24;
/// The pause after a refusal that only a person can mend.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

type Socket = WebSocketStream<Wire>;

/// A session that has begun.
struct Entered {
    socket: Socket,
    epoch: Epoch,
    heartbeat: Duration,
    /// The authority that the token named.
    authority: Option<CertificateDer<'static>>,
    /// The controller has taken another key.
    rotated: bool,
    /// The database was restored, as of this time.
    witness_since: Option<u64>,
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
enum Over {
    #[error(transparent)]
    NoWire(#[from] NoWire),
    #[error("it is not known whom to trust: {0:#}")]
    NoTrust(anyhow::Error),
    #[error("there is no way in: {status}{said}")]
    NoSession { status: StatusCode, said: String },
    #[error("the controller does not answer within {} s", HANDSHAKE.as_secs())]
    Silent,
    #[error("the controller cannot take this agent yet: {reason}")]
    NotYet { reason: String, retry: Duration },
    #[error("the controller refuses this agent ({code}): {message}")]
    Refused { code: String, message: String, retry: Option<Duration> },
    #[error("the controller said what does not belong here: {0}")]
    Strange(String),
    #[error("nothing was heard from the controller for {} s", .0.as_secs())]
    Quiet(Duration),
    #[error("the connection broke: {0}")]
    Broken(#[from] WsError),
    #[error("the controller closed the connection")]
    Closed,
    #[error("the controller stops: coming again soon")]
    Restart,
    #[error("a frame could not be sent within {} s", SEND.as_secs())]
    Stuck,
    #[error("the settings have changed: coming again with them")]
    NewSettings,
    #[error("another key is to take this one's place: coming again to prove it")]
    NewKey,
    #[error("the other key cannot be used: {0:#}")]
    WrongKey(anyhow::Error),
    #[error("the agent's worker has ended")]
    WorkerGone,
}

/// Keeps a session up for as long as it is polled.
pub struct Connection {
    /// The agent's settings; another one is taken over by coming again.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Its key.
    pub identity: Identity,
    /// The kernel's boot.
    pub boot: BootId,
    /// The journal.
    pub incarnation: Incarnation,
    /// What waits to be said.
    pub outbox: Arc<Outbox>,
    /// How much of large commands may be in hand.
    pub budget: Budget,
    /// Where what is heard goes.
    pub worker: mpsc::Sender<Event>,
}

impl Connection {
    /// Connects again and again. Returns only when the worker is gone.
    pub async fn run(self) {
        let (mut failures, mut changes) = (0, self.settings.clone());
        loop {
            let begun = Instant::now();
            let settings = Arc::clone(&changes.borrow_and_update());
            let over = tokio::select! {
                over = self.session(&settings) => over,
                () = changed(&mut changes) => Err(Over::NewSettings),
            };
            let over = match over {
                Ok(never) => match never {},
                Err(over) => over,
            };
            if matches!(over, Over::WorkerGone) || self.worker.send(Event::Disconnected).await.is_err() {
                return;
            }
            // A session that held for a while was none of a series of failures.
            failures = if begun.elapsed() > Duration::from_secs(5) { 0 } else { failures + 1 };
            let pause = match &over {
                Over::Refused { retry: Some(retry), .. } => *retry + jitter(*retry / 2),
                // A controller that stands by: another one is active behind the same address, or this one is soon.
                Over::NotYet { retry, .. } => *retry + jitter(*retry),
                Over::Restart => PAUSE[0] + jitter(RESTART),
                Over::NewKey | Over::NewSettings => PAUSE[0],
                Over::Refused { retry: None, .. } => REFUSED_PAUSE + jitter(REFUSED_PAUSE / 2),
                _ => backoff(failures),
            };
            tracing::warn!(retry_ms = pause.as_millis() as u64, "{over}");
            // Whoever has mended the settings waits for nothing.
            drop(timeout(pause, changed(&mut changes)).await);
        }
    }

    async fn session(&self, settings: &Settings) -> Result<std::convert::Infallible, Over> {
        let entered = timeout(HANDSHAKE, self.come_in(settings)).await.map_err(|_| Over::Silent)??;
        let Entered { socket, epoch, heartbeat, authority, rotated, witness_since } = entered;
        if let Err(error) = self.identity.welcome(authority.as_ref()) {
            tracing::warn!(%error, "the controller's welcome cannot be remembered; the token will be sent again");
        }
        if rotated {
            self.identity.exchange().map_err(Over::WrongKey)?;
            tracing::info!("another key has taken the place of the old one");
        }
        self.tell(Event::Connected).await?;
        if let Some(since) = witness_since {
            self.tell(Event::Witness { since }).await?;
        }
        tracing::info!(epoch = epoch.0, server = %settings.server.address(), "connected");
        let silence = (heartbeat * 4).max(Duration::from_secs(20));
        let (sink, stream) = socket.split();
        let (pings, pinged) = mpsc::channel(16);
        let mut writer =
            Writer { sink, epoch, outbox: &self.outbox, meter: Meter::of(&settings.data_dir), heartbeat, pinged, beats: 0 };
        tokio::select! {
            over = self.read(stream, epoch, silence, pings) => over,
            over = self.another_key() => Err(over),
            over = writer.run() => over,
        }
    }

    async fn come_in(&self, settings: &Settings) -> Result<Entered, Over> {
        let server = &settings.server;
        let (client, found) = self.tls(settings).map_err(Over::NoTrust)?.unzip();
        let stream = wire::connect(server, client).await?;
        let config = WebSocketConfig::default()
            .read_buffer_size(8 * 1024)
            .write_buffer_size(TOGETHER)
            .max_write_buffer_size(2 * MAX_FRAME)
            .max_message_size(Some(MAX_FRAME))
            .max_frame_size(Some(MAX_FRAME));
        let upgraded = client_async_with_config(server.session_url(), stream, Some(config)).await;
        let (mut socket, _) = upgraded.map_err(not_upgraded)?;
        say(&mut socket, &ToController::Hello { versions: SUPPORTED, release: env!("CARGO_PKG_VERSION").into() }).await?;
        let rotated;
        match hear(&mut socket).await? {
            ToAgent::Challenge { version, nonce } if (SUPPORTED.min..=SUPPORTED.max).contains(&version) => {
                let identify = self.identify(settings, &nonce).await?;
                rotated = identify.rotation.is_some();
                say(&mut socket, &ToController::Identify(Box::new(identify))).await?;
            }
            ToAgent::Challenge { version, .. } => return Err(Over::Strange(format!("protocol version {version}"))),
            other => return Err(refused(other)),
        }
        loop {
            match hear(&mut socket).await? {
                // It wants to know that what was said is not from long ago.
                ToAgent::Ping { number } => say(&mut socket, &ToController::Pong { number }).await?,
                ToAgent::Welcome { epoch, heartbeat_ms, witness_since } => {
                    let wanted = Duration::from_millis(heartbeat_ms).max(settings.heartbeat.unwrap_or_default());
                    let heartbeat = wanted.clamp(HEARTBEAT[0], HEARTBEAT[1]);
                    let authority = found.and_then(|found| found.lock().ok()?.take());
                    return Ok(Entered { socket, epoch, heartbeat, authority, rotated, witness_since });
                }
                other => return Err(refused(other)),
            }
        }
    }

    /// What https needs. Read anew for each connection, so that an authority can be exchanged without a restart.
    fn tls(&self, settings: &Settings) -> anyhow::Result<Option<(ClientConfig, Found)>> {
        let Settings { server, ca, authority, .. } = settings;
        if !server.tls {
            return Ok(None);
        }
        Trust::choose(ca.as_deref(), self.identity.welcomed_by()?, *authority)?.client().map(Some)
    }

    async fn identify(&self, settings: &Settings, nonce: &str) -> Result<Identify, Over> {
        let (ask, answer) = oneshot::channel();
        self.tell(Event::Picture(ask)).await?;
        let (observations, sequence) = answer.await.map_err(|_| Over::WorkerGone)?;
        let Settings { name, token, slots, labels, .. } = settings;
        // A key that no controller knows yet is not exchanged.
        let rotation = match self.identity.is_welcomed() {
            true => self.identity.rotation(nonce, name).map_err(Over::WrongKey)?,
            false => None,
        };
        Ok(Identify {
            name: name.clone(),
            public_key: self.identity.public_key(),
            signature: self.identity.sign(&challenge_text(nonce, name, self.incarnation, self.boot)),
            token: token.as_ref().filter(|_| !self.identity.is_welcomed()).map(|token| token.reveal().to_owned()),
            rotation,
            boot: self.boot,
            incarnation: self.incarnation,
            sequence,
            slots: *slots,
            labels: labels.clone(),
            facts: vitals::facts(),
            observations,
        })
    }

    /// Another key was put there.
    async fn another_key(&self) -> Over {
        loop {
            tokio::time::sleep(KEY_LOOK).await;
            if self.identity.has_next() {
                return Over::NewKey;
            }
        }
    }

    /// Passes on what is heard. What this release does not understand is logged and left: the other side repeats its wishes.
    async fn read(
        &self,
        mut stream: SplitStream<Socket>,
        epoch: Epoch,
        silence: Duration,
        pings: mpsc::Sender<u64>,
    ) -> Result<std::convert::Infallible, Over> {
        loop {
            let frame = timeout(silence, stream.next()).await.map_err(|_| Over::Quiet(silence))?;
            let text = match frame.ok_or(Over::Closed)?? {
                Message::Text(text) => text,
                Message::Close(Some(frame)) if frame.code == CloseCode::Restart => return Err(Over::Restart),
                Message::Close(_) => return Err(Over::Closed),
                _ => continue,
            };
            let held = self.budget.take(text.len()).await;
            let decoded = decode::<ToAgent>(&text);
            drop(text);
            match decoded {
                Ok(ToAgent::Ping { number }) => drop(pings.try_send(number)),
                Ok(refusal @ ToAgent::Refused { .. }) => return Err(refused(refusal)),
                Ok(message) if message.epoch().is_some_and(|said| said != epoch) => {
                    tracing::warn!("a message of another session is left");
                }
                Ok(message) => self.tell(Event::Message(message, held)).await?,
                Err(error) => tracing::warn!(%error, "a frame is not understood and left"),
            }
        }
    }

    async fn tell(&self, event: Event) -> Result<(), Over> {
        self.worker.send(event).await.map_err(|_| Over::WorkerGone)
    }
}

/// Waits for other settings; for ever where nobody can change them any more.
async fn changed(settings: &mut watch::Receiver<Arc<Settings>>) {
    if settings.changed().await.is_err() {
        std::future::pending().await
    }
}

/// The sending half of a session. One frame at a time, in this order of haste: pong, heartbeat, states, output.
struct Writer<'a> {
    sink: SplitSink<Socket, Message>,
    epoch: Epoch,
    outbox: &'a Outbox,
    meter: Meter,
    heartbeat: Duration,
    pinged: mpsc::Receiver<u64>,
    /// Heartbeats so far.
    beats: u8,
}

impl Writer<'_> {
    async fn run(&mut self) -> Result<std::convert::Infallible, Over> {
        let mut next_heartbeat = Instant::now();
        loop {
            if Instant::now() >= next_heartbeat {
                next_heartbeat = Instant::now() + self.heartbeat;
                self.send_heartbeat().await?;
            }
            if let Ok(number) = self.pinged.try_recv() {
                self.send(&ToController::Pong { number }).await?;
            } else if let Some(next) = self.outbox.next(Instant::now()) {
                self.send_next(next).await?;
            } else {
                let look = Instant::now() + OUTPUT_LOOK;
                let due = self.outbox.due().map_or(look, |due| due.min(look));
                tokio::select! {
                    () = self.outbox.bell.notified() => {}
                    () = tokio::time::sleep_until(due.into()) => {}
                    Some(number) = self.pinged.recv() => self.send(&ToController::Pong { number }).await?,
                }
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a ping of the WebSocket carries nothing")]
    async fn send_heartbeat(&mut self) -> Result<(), Over> {
        if self.beats.is_multiple_of(2) {
            // Its answer is a sign of life where the controller has nothing to say, and comes twice before its silence is too long.
            timeout(SEND, self.sink.feed(Message::Ping(Vec::new().into())))
                .await
                .map_err(|_| Over::Stuck)?
                .map_err(Over::Broken)?;
        }
        self.beats = self.beats.wrapping_add(1);
        let vitals = self.meter.read(self.outbox.running.load(Ordering::Relaxed));
        self.send(&ToController::Heartbeat { epoch: self.epoch, vitals }).await
    }

    async fn send_next(&mut self, next: Next) -> Result<(), Over> {
        let (epoch, sequence) = (self.epoch, self.outbox.sequence.load(Ordering::Relaxed));
        self.send(&next.into_message(epoch, sequence)).await
    }

    async fn send(&mut self, message: &ToController) -> Result<(), Over> {
        timeout(SEND, say(&mut self.sink, message)).await.map_err(|_| Over::Stuck)?
    }
}

/// Sends one message; everything that the agent says goes this way.
#[expect(clippy::disallowed_methods, reason = "the way of every message, between its points")]
async fn say(sink: &mut (impl Sink<Message, Error = WsError> + Unpin), message: &ToController) -> Result<(), Over> {
    let text = encode(message).map_err(|error| Over::Strange(format!("own message: {error}")))?;
    let act = acts::of_message(message);
    failpoint::before(act).map_err(WsError::from)?;
    sink.send(Message::text(text)).await?;
    Ok(failpoint::after(act).map_err(WsError::from)?)
}

async fn hear(socket: &mut Socket) -> Result<ToAgent, Over> {
    loop {
        match socket.next().await.ok_or(Over::Closed)?? {
            Message::Text(text) => return decode(&text).map_err(|error| Over::Strange(error.to_string())),
            Message::Close(_) => return Err(Over::Closed),
            _ => {}
        }
    }
}

/// A plain answer in place of a session: 503 says when to come again.
fn not_upgraded(error: WsError) -> Over {
    let WsError::Http(answer) = &error else { return error.into() };
    let (status, body) = (answer.status(), answer.body().as_deref().unwrap_or_default());
    let problem = serde_json::from_slice::<serde_json::Value>(body).ok();
    let detail = problem.as_ref().and_then(|problem| problem["detail"].as_str());
    let printed = |text: &str| text.chars().take(300).filter(|c| !c.is_control()).collect::<String>();
    if status != StatusCode::SERVICE_UNAVAILABLE {
        let said = detail.map_or_else(|| String::from_utf8_lossy(body), std::borrow::Cow::from);
        let said = printed(said.trim());
        return Over::NoSession { status, said: if said.is_empty() { said } else { format!(": {said}") } };
    }
    let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let retry = Duration::from_secs(seconds.unwrap_or(1)).clamp(PAUSE[0], LONG_PAUSE);
    Over::NotYet { reason: printed(detail.unwrap_or("it answers 503")), retry }
}

fn refused(message: ToAgent) -> Over {
    match message {
        ToAgent::Refused { code, message, retry_after_ms } => {
            Over::Refused { code, message, retry: retry_after_ms.map(Duration::from_millis) }
        }
        _ => Over::Strange("a message out of turn".into()),
    }
}

/// Full jitter below an exponentially growing bound, so that a fleet does not come back in step.
fn backoff(failures: u32) -> Duration {
    let longest = if failures < MANY { PAUSE[1] } else { LONG_PAUSE };
    let bound = PAUSE[0].saturating_mul(1_u32 << failures.min(10)).min(longest);
    PAUSE[0].max(jitter(bound))
}

fn jitter(bound: Duration) -> Duration {
    let mut bytes = [0; 4];
    // Without random numbers everyone waits the longest.
    let share = getrandom::fill(&mut bytes).map_or(1.0, |()| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX));
    bound.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry: &str, body: &str) -> Over {
        let answer = tokio_tungstenite::tungstenite::http::Response::builder().status(status).header("Retry-After", retry);
        not_upgraded(WsError::Http(Box::new(answer.body(Some(body.as_bytes().to_vec())).unwrap())))
    }

    #[test]
    fn a_controller_that_stands_by_says_when_to_come_again() {
        let Over::NotYet { reason, retry } = answered(503, "2", "{\"detail\": \"standing by\\n\"}") else {
            panic!("503 is no failure")
        };
        assert_eq!((reason.as_str(), retry), ("standing by", Duration::from_secs(2)));
        for (given, pause) in [("0", PAUSE[0]), ("86400", LONG_PAUSE), ("soon", Duration::from_secs(1))] {
            assert!(matches!(answered(503, given, "no JSON"), Over::NotYet { retry, .. } if retry == pause), "{given}");
        }
        assert_eq!(answered(500, "2", "").to_string(), "there is no way in: 500 Internal Server Error");
        let plain = answered(400, "2", "This address speaks https only: write https:// to it");
        assert_eq!(
            plain.to_string(),
            "there is no way in: 400 Bad Request: This address speaks https only: write https:// to it"
        );
    }

    #[test]
    fn pauses_grow_within_their_bounds() {
        for failures in 0..100 {
            let pause = backoff(failures);
            let longest = if failures < MANY { PAUSE[1] } else { LONG_PAUSE };
            assert!(pause >= PAUSE[0] && pause <= longest, "{pause:?} after {failures}");
        }
        assert!((0..100).any(|_| backoff(20) > PAUSE[1] / 2));
        assert!((0..100).any(|_| backoff(MANY) > PAUSE[1]));
    }
}
