//! An agent's session: one WebSocket from handshake to end. Everything in it is bounded, and losing it loses nothing.

use super::desired;
use super::handshake::{self, Refusal};
use super::ingest::Ingest;
use super::outbox::Outbox;
use super::output::Storing;
use crate::clock;
use crate::engine::{Engine, Sessions};
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use pulse_core::session::Pace;
use pulse_protocol::failpoint::{self, Act};
use pulse_protocol::frame::{MAX_FRAME, decode, encode};
use pulse_protocol::message::Identify;
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::version::SUPPORTED;
use pulse_protocol::{AgentName, Epoch, Incarnation, ToAgent, ToController};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};

/// How often an agent shall say that it is there: three times before its silence counts.
pub const HEARTBEAT: Duration = Duration::from_secs(8);
/// A connection that says nothing for so long is dead, whatever TCP believes.
const SILENCE: Duration = Duration::from_secs(25);
/// A connection that has not proven who it is by then is closed.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A message that cannot be written for so long means a dead peer.
const WRITE: Duration = Duration::from_secs(20);
/// How often the full picture of what is wanted is sent. Within a session nothing gets lost, so that it only mends what nobody has thought of.
const PICTURE: Duration = Duration::from_secs(60);
/// Bytes read from an agent's connection at once; most of what it says is shorter.
const READ: usize = 2048;
/// Messages waiting to be written to one agent.
const OUTBOX: usize = 256;
/// Reports of one agent that may wait for their commit.
const REPORTS: usize = 64;

/// `GET /api/v1/agents/session`. Browsers have no business here: a request with an `Origin` or a cookie is refused.
pub fn upgrade(engine: Engine, headers: &HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    if headers.contains_key(header::ORIGIN) || headers.contains_key(header::COOKIE) {
        return (StatusCode::FORBIDDEN, "agents only").into_response();
    }
    let upgrade = upgrade.read_buffer_size(READ).write_buffer_size(0).max_message_size(MAX_FRAME).max_frame_size(MAX_FRAME);
    upgrade.on_upgrade(move |socket| serve(engine, socket))
}

async fn serve(engine: Engine, socket: WebSocket) {
    let (sink, mut stream) = socket.split();
    let _open = engine.sessions().begin();
    let (outbox, messages) = Outbox::of(OUTBOX);
    let writer = tokio::spawn(write(sink, messages, engine.sessions().clone()));
    let admitted = tokio::select! {
        // Boxed: what it needs is not kept by the session after it.
        admitted = Box::pin(tokio::time::timeout(HANDSHAKE, shake_hands(&engine, &mut stream, &outbox))) => admitted,
        () = engine.cut_off() => return writer.abort(),
        () = engine.sessions().away() => return drop(tokio::time::timeout(WRITE, writer).await),
    };
    match admitted {
        Ok(Ok((identify, epoch))) => {
            let name = identify.name.clone();
            let session = Session { engine, agent: name.clone(), epoch, incarnation: identify.incarnation, outbox };
            tracing::info!(agent = %name, epoch = epoch.0, "connected");
            let why = session.run(identify, stream, writer).await;
            session.engine.fleet().lock().close_session(&name, epoch);
            tracing::info!(agent = %name, epoch = epoch.0, why, "disconnected");
        }
        Ok(Err(refusal)) => {
            tracing::info!(code = refusal.code, message = refusal.message, "an agent was refused");
            let _ = outbox.send(refusal.message()).await;
            drop(outbox);
            drop(tokio::time::timeout(WRITE, writer).await);
        }
        Err(_) => {
            tracing::debug!("a connection did not say who it is in time");
            writer.abort();
        }
    }
}

/// The act of sending this message.
const fn act_of(message: &ToAgent) -> Act {
    match message {
        ToAgent::Challenge { .. } => Act::SendChallenge,
        ToAgent::Welcome { .. } => Act::SendWelcome,
        ToAgent::Refused { .. } => Act::SendRefused,
        ToAgent::Assign { .. } => Act::SendAssign,
        ToAgent::Acknowledge { .. } => Act::SendAcknowledge,
        ToAgent::Ping { .. } => Act::SendPing,
    }
}

#[expect(clippy::disallowed_methods, reason = "the way of every message to an agent, between its points")]
async fn write(mut sink: SplitSink<WebSocket, Message>, mut messages: mpsc::Receiver<Box<ToAgent>>, sessions: Sessions) {
    let mut away = std::pin::pin!(sessions.away());
    loop {
        let message = tokio::select! {
            // What was acknowledged before the end is said before it.
            biased;
            message = messages.recv() => message,
            () = &mut away => return close(&mut sink).await,
        };
        let Some(message) = message else { break };
        let text = match encode(&*message) {
            Ok(text) => text,
            Err(error) => {
                tracing::error!(%error, "a message to an agent is out of bounds and was not sent");
                continue;
            }
        };
        let act = act_of(&message);
        if failpoint::before(act).is_err() {
            return;
        }
        match tokio::time::timeout(WRITE, sink.send(Message::Text(text.into()))).await {
            Ok(Ok(())) if failpoint::after(act).is_ok() => {}
            _ => return,
        }
    }
    drop(sink.close().await);
}

/// Tells the agent to come again: with this code it waits for a moment that dice choose, so that a fleet does not come in step.
#[expect(clippy::disallowed_methods, reason = "the end of a WebSocket carries nothing")]
async fn close(sink: &mut SplitSink<WebSocket, Message>) {
    let frame = CloseFrame { code: close_code::RESTART, reason: "the controller stops; come again".into() };
    drop(tokio::time::timeout(WRITE, sink.send(Message::Close(Some(frame)))).await);
}

async fn shake_hands(
    engine: &Engine,
    stream: &mut SplitStream<WebSocket>,
    outbox: &Outbox,
) -> Result<(Box<Identify>, Epoch), Refusal> {
    let closed = || Refusal::new("closed", "the connection closed during the handshake");
    let ToController::Hello { versions, release } = receive(stream).await? else {
        return Err(Refusal::new("protocol", "the first message must be `hello`"));
    };
    let Some(version) = SUPPORTED.agree(versions) else {
        let (ours, theirs) = (SUPPORTED, versions);
        let message = format!(
            "no common protocol version: the controller speaks {} to {}, the agent {} to {}; upgrade the older one",
            ours.min, ours.max, theirs.min, theirs.max
        );
        return Err(Refusal::new("version", message));
    };
    let nonce = nonce()?;
    let challenge = ToAgent::Challenge { version, nonce: nonce.clone() };
    outbox.send(challenge).await.map_err(|_| closed())?;
    let ToController::Identify(identify) = receive(stream).await? else {
        return Err(Refusal::new("protocol", "the second message must be `identify`"));
    };
    let release: String = release.chars().take(64).collect();
    let epoch = handshake::admit(engine, &nonce, &release, &identify, outbox, stream).await?;
    Ok((identify, epoch))
}

fn nonce() -> Result<String, Refusal> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| Refusal::new("internal", format!("no randomness: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

pub(super) async fn receive(stream: &mut SplitStream<WebSocket>) -> Result<ToController, Refusal> {
    while let Some(frame) = stream.next().await {
        match frame {
            Ok(Message::Text(text)) => {
                return decode(text.as_str()).map_err(|error| Refusal::new("protocol", error.to_string()));
            }
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            Ok(_) => return Err(Refusal::new("protocol", "messages are JSON text frames")),
            Err(error) => return Err(Refusal::new("closed", error.to_string())),
        }
    }
    Err(Refusal::new("closed", "the connection closed during the handshake"))
}

/// What is waited for before the next frame is read; nothing, unless the agent says too much.
#[expect(clippy::disallowed_methods, reason = "it is the pause itself, and hides nothing")]
fn rest(pace: &mut Pace, bytes: usize) -> Option<Pin<Box<tokio::time::Sleep>>> {
    let wait_us = pace.heard(bytes, clock::now());
    (wait_us > 0).then(|| Box::pin(tokio::time::sleep(Duration::from_micros(wait_us))))
}

fn length(frame: &Message) -> usize {
    match frame {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
        Message::Close(_) => 0,
    }
}

/// What comes of it; where there is nothing, it is waited for without end.
async fn when_there<F: Future + Unpin>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

fn why_not_written(engine: &Engine) -> String {
    let said = if engine.sessions().are_sent_away() { "the controller stops" } else { "the connection cannot be written" };
    said.to_owned()
}

/// A session that passed its handshake.
struct Session {
    engine: Engine,
    agent: AgentName,
    epoch: Epoch,
    incarnation: Incarnation,
    outbox: Outbox,
}

impl Session {
    /// Runs until the session ends; says why it did.
    async fn run(
        &self,
        identify: Box<Identify>,
        stream: SplitStream<WebSocket>,
        mut writer: tokio::task::JoinHandle<()>,
    ) -> String {
        let why = tokio::select! {
            why = self.converse(identify, stream, &mut writer) => why,
            // Whatever it waits for in there: the agent shall look for the controller that is active now.
            () = self.engine.cut_off() => "the database cannot be reached; another controller may be active".into(),
        };
        writer.abort();
        why
    }

    async fn converse(
        &self,
        identify: Box<Identify>,
        mut stream: SplitStream<WebSocket>,
        mut writer: &mut tokio::task::JoinHandle<()>,
    ) -> String {
        let reports = Arc::new(Semaphore::new(REPORTS));
        let mut picture = tokio::time::interval_at(tokio::time::Instant::now() + PICTURE, PICTURE);
        // What is boxed here and below takes room that thousands of idle sessions need not have.
        let mut joining = Some(Box::pin(self.join(*identify)));
        let mut storing = None;
        let (mut pace, mut pause) = (Pace::default(), None);
        loop {
            tokio::select! {
                // In this order: the full picture is taken in before anything that was said after it, and what comes in without
                // end keeps nothing else from being looked at.
                biased;
                outcome = when_there(joining.as_mut()) => match outcome {
                    Ok(()) => joining = None,
                    Err(error) => return error,
                },
                why = when_there(storing.as_mut().map(Storing::ended)) => return why,
                _ = &mut writer => return why_not_written(&self.engine),
                _ = picture.tick(), if joining.is_none() => if let Err(error) = Box::pin(self.send_picture()).await { return error },
                () = when_there(pause.as_mut()) => pause = None,
                frame = tokio::time::timeout(SILENCE, stream.next()), if pause.is_none() => {
                    let frame = match frame {
                        Err(_) => return "silent for too long".into(),
                        Ok(None) => return "the agent closed the connection".into(),
                        Ok(Some(Err(error))) => return error.to_string(),
                        Ok(Some(Ok(frame))) => frame,
                    };
                    pause = rest(&mut pace, length(&frame));
                    match frame {
                        Message::Text(text) => match decode(text.as_str()) {
                            Ok(ToController::Heartbeat { epoch, vitals }) => {
                                self.engine.fleet().lock().beat(&self.agent, epoch, vitals, clock::now());
                            }
                            Ok(message) => if let Err(why) = Box::pin(self.take(message, &mut storing, &reports)).await { return why },
                            Err(error) => return format!("protocol: {error}"),
                        },
                        Message::Close(_) => return "the agent closed the connection".into(),
                        _ => {}
                    }
                },
            }
            if !self.engine.fleet().lock().is_current(&self.agent, self.epoch) {
                return "another session took over, or the agent was revoked".into();
            }
        }
    }

    /// Takes in the full picture; only when it is committed does the agent get work.
    async fn join(&self, identify: Identify) -> Result<(), String> {
        let known: Vec<_> = identify.observations.iter().map(|observation| observation.attempt).collect();
        let ingest = Ingest::begin(&self.engine, &self.agent, self.epoch, self.incarnation, identify.observations, true);
        let acknowledgement = ingest.finish(&self.engine).await;
        for message in acknowledgement.into_iter().chain([self.offsets(&known).await?]) {
            self.outbox.send(message).await.map_err(|_| "the connection closed")?;
        }
        self.is_still_welcome().await?;
        self.engine.fleet().lock().connected(&self.agent, self.epoch, self.incarnation);
        self.send_picture().await?;
        self.engine.presence_changed(&self.agent);
        Ok(())
    }

    async fn offsets(&self, attempts: &[pulse_protocol::AttemptId]) -> Result<ToAgent, String> {
        desired::offsets(&self.engine, self.epoch, attempts).await.map_err(|error| error.to_string())
    }

    async fn send_picture(&self) -> Result<(), String> {
        let messages = desired::picture(&self.engine, &self.agent, self.epoch).await.map_err(|error| error.to_string())?;
        for message in messages {
            self.outbox.send(message).await.map_err(|_| "the connection closed")?;
        }
        Ok(())
    }

    /// Revoked, or taken over, while the picture was taken in?
    async fn is_still_welcome(&self) -> Result<(), String> {
        let row = self.engine.store().agent(&self.agent).await.map_err(|error| error.to_string())?;
        match row {
            Some(row) if row.epoch == self.epoch && row.revoked_at.is_none() => Ok(()),
            _ => Err("another session took over, or the agent was revoked".into()),
        }
    }

    async fn take(&self, message: ToController, storing: &mut Option<Storing>, reports: &Arc<Semaphore>) -> Result<(), String> {
        match message {
            ToController::Report { epoch, observations, full, sequence }
                if epoch == self.epoch || planted::is(Bug::StaleEpoch) =>
            {
                self.engine.fleet().lock().heard(&self.agent, epoch, sequence, clock::now());
                let permit = Arc::clone(reports).acquire_owned().await.map_err(|error| error.to_string())?;
                let ingest = Ingest::begin(&self.engine, &self.agent, self.epoch, self.incarnation, observations, full);
                let (engine, outbox) = (self.engine.clone(), self.outbox.clone());
                tokio::spawn(async move {
                    if let Some(message) = ingest.finish(&engine).await {
                        let _ = outbox.send(message).await;
                    }
                    drop(permit);
                });
                Ok(())
            }
            ToController::Output(chunk) if chunk.epoch == self.epoch => {
                let start = || Storing::start(self.engine.clone(), self.agent.clone(), self.epoch, self.outbox.clone());
                storing.get_or_insert_with(start).take(chunk).await.map_err(|_| "output is no longer stored".into())
            }
            ToController::Pong { number } => {
                self.engine.fleet().pong(number);
                Ok(())
            }
            // Of an older session: what it says is said again in this one. Heartbeats have been noted.
            ToController::Report { .. } | ToController::Output(_) | ToController::Heartbeat { .. } => Ok(()),
            ToController::Hello { .. } | ToController::Identify(_) => Err("protocol: the handshake is over".into()),
        }
    }
}
