//! Who is it? The agent signs a fresh challenge with its own key; a token enrols a new one; a second session of the same name
//! waits until the first is known to be gone.

use super::Enrolled;
use super::outbox::Outbox;
use super::proof;
use super::session::{HEARTBEAT, receive};
use super::token;
use crate::clock;
use crate::engine::Engine;
use axum::extract::ws::WebSocket;
use futures_util::stream::SplitStream;
use pulse_protocol::message::Identify;
use pulse_protocol::{AgentName, Epoch, ToAgent, ToController};
use pulse_store::{Agent, EnrolError, Enrolled as Enrolment, Heartbeat, SessionError, SessionStart};
use std::sync::Arc;
use std::time::Duration;

/// How long the first of two sessions has to answer a ping.
const TAKEOVER: Duration = Duration::from_secs(2);

/// Why an agent is not let in. The code is stable, the message says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) retry_after_ms: Option<u64>,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_ms: None }
    }

    fn soon(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_ms: Some(1000) }
    }

    pub(super) fn message(self) -> ToAgent {
        ToAgent::Refused { code: self.code.to_owned(), message: self.message, retry_after_ms: self.retry_after_ms }
    }
}

/// Checks the signature, enrols if need be, and starts the session. What it says of its journal counts only from the living where that
/// differs from what is known.
pub(super) async fn admit(
    engine: &Engine,
    nonce: &str,
    release: &str,
    identify: &Identify,
    outbox: &Outbox,
    stream: &mut SplitStream<WebSocket>,
) -> Result<Epoch, Refusal> {
    proof::verify(nonce, identify)?;
    let name = &identify.name;
    let gate = engine.fleet().gate();
    let pass = gate.enter().await?;
    if let Some(secret) = &identify.token {
        enrol(engine, identify, secret).await?;
    }
    let key = exchanged(engine, nonce, identify).await?;
    let known = engine.store().agent(name).await.map_err(|error| Refusal::soon("database", error.to_string()))?;
    let Some(known) = known.filter(|agent| agent.public_key == key) else {
        return Err(Refusal::new(
            "unknown_agent",
            format!("no agent `{name}` with this key is enrolled (any more): enrol it with a token"),
        ));
    };
    // Whoever waits for an answer keeps nobody out.
    drop(pass);
    await_predecessor(engine, name).await?;
    let turn = gate.turn().await?;
    note_sequence(engine, &known).await?;
    let mut start = SessionStart {
        name: name.clone(),
        public_key: key.to_owned(),
        seen_epoch: known.epoch,
        boot: identify.boot,
        incarnation: identify.incarnation,
        sequence: identify.sequence,
        alive: false,
        slots: identify.slots.clamp(1, 1000),
        labels: identify.labels.clone(),
        facts: identify.facts.clone(),
        now: clock::now(),
    };
    let mut started = engine.store().start_session(&start).await;
    drop(turn);
    if let Err(SessionError::Doubtful { .. }) = started {
        start.alive = is_alive(outbox, stream).await?;
        started = engine.store().start_session(&start).await;
    }
    let epoch = started.map_err(|error| refuse(engine, name, error))?;
    let enrolled = Enrolled {
        labels: Enrolled::labels(start.labels, known.token_labels),
        facts: Arc::new(start.facts),
        slots: start.slots,
        release: release.to_owned(),
        boot: Some(identify.boot),
        enrolled_at: known.enrolled_at,
    };
    // Before anybody else can put something into the outbox.
    let heartbeat_ms = HEARTBEAT.as_millis() as u64;
    let gone = |_| Refusal::new("closed", "the connection closed during the handshake");
    outbox.send(ToAgent::Welcome { epoch, heartbeat_ms, witness_since: engine.witness_since() }).await.map_err(gone)?;
    let mut fleet = engine.fleet().lock();
    fleet.enrol(name, enrolled, false, clock::now());
    fleet.open_session(name, epoch, outbox.clone(), clock::now());
    Ok(epoch)
}

/// The key that counts from now on: the one that it came with, or the one that it wants instead and has proven with both. A new key
/// that is known already was taken by a session whose welcome got lost.
async fn exchanged<'a>(engine: &Engine, nonce: &str, identify: &'a Identify) -> Result<&'a str, Refusal> {
    let Identify { name, public_key, rotation, .. } = identify;
    let Some(rotation) = rotation else { return Ok(public_key) };
    proof::verify_rotation(nonce, name, public_key, rotation)?;
    let exchanged = engine.store().exchange_key(name, public_key, &rotation.public_key).await;
    if exchanged.map_err(|error| Refusal::soon("database", error.to_string()))? {
        tracing::info!(agent = %name, "its key was exchanged");
    }
    Ok(&rotation.public_key)
}

async fn enrol(engine: &Engine, identify: &Identify, secret: &str) -> Result<(), Refusal> {
    let enrolment = pulse_store::Enrolment {
        name: identify.name.clone(),
        public_key: identify.public_key.clone(),
        secret_hash: token::hash(secret),
        now: clock::now(),
    };
    match engine.store().enrol(&enrolment).await {
        Ok(Enrolment::New) => {
            tracing::info!(agent = %identify.name, "enrolled");
            displace(engine, &identify.name);
            Ok(())
        }
        Ok(Enrolment::Already) => Ok(()),
        Err(EnrolError::Store(error)) => Err(Refusal::soon("database", error.to_string())),
        Err(error) => {
            tracing::warn!(agent = %identify.name, %error, "enrolment refused");
            Err(Refusal::new(error.code(), error.to_string()))
        }
    }
}

/// Whoever had the name until now has it no more: nothing that its session says is heard.
fn displace(engine: &Engine, name: &AgentName) {
    let session = {
        let mut fleet = engine.fleet().lock();
        let session = fleet.session_of(name);
        session.iter().for_each(|(epoch, _)| fleet.close_session(name, *epoch));
        session
    };
    if let Some((_, outbox)) = session {
        tracing::warn!(agent = %name, "an agent that was connected was replaced");
        // Only courtesy, as after a revocation.
        let message = "another agent was enrolled in place of this one (`pulse agents replace`)".to_owned();
        let _ = outbox.try_send(ToAgent::Refused { code: "replaced".to_owned(), message, retry_after_ms: None });
    }
}

/// Whether somebody still listens at the other end of a connection that is not let in yet.
async fn is_alive(outbox: &Outbox, stream: &mut SplitStream<WebSocket>) -> Result<bool, Refusal> {
    // No other ping is under way here.
    let number = 0;
    let closed = |_| Refusal::new("closed", "the connection closed during the handshake");
    outbox.send(ToAgent::Ping { number }).await.map_err(closed)?;
    match tokio::time::timeout(TAKEOVER, receive(stream)).await {
        Ok(Ok(ToController::Pong { number: answered })) => Ok(answered == number),
        Ok(Ok(_)) => Err(Refusal::new("protocol", "a ping during the handshake must be answered with `pong`")),
        Ok(Err(refusal)) => Err(refusal),
        Err(_) => Ok(false),
    }
}

/// A session of this name that still answers keeps the name; one that is silent loses it.
async fn await_predecessor(engine: &Engine, name: &AgentName) -> Result<(), Refusal> {
    let Some((epoch, outbox)) = engine.fleet().lock().session_of(name) else { return Ok(()) };
    let (number, answered) = engine.fleet().expect_pong();
    if outbox.try_send(ToAgent::Ping { number }) && tokio::time::timeout(TAKEOVER, answered).await.is_ok_and(|pong| pong.is_ok())
    {
        tracing::error!(agent = %name, "a second agent came with the key of one that is here: a cloned host or data folder?");
        let message = format!("another session of `{name}` is alive: two hosts with one data folder? Only one of them can work");
        return Err(Refusal { retry_after_ms: Some(30_000), ..Refusal::new("duplicate_session", message) });
    }
    engine.fleet().forget_pong(number);
    engine.fleet().lock().close_session(name, epoch);
    Ok(())
}

/// What was heard of the journal since the last note counts, too: one that went back is seen at once.
async fn note_sequence(engine: &Engine, known: &Agent) -> Result<(), Refusal> {
    let sequence = engine.fleet().lock().sequence_of(&known.name);
    if sequence <= known.sequence {
        return Ok(());
    }
    let heard = Heartbeat { name: known.name.clone(), epoch: known.epoch, sequence };
    engine.store().touch(&[heard], clock::now()).await.map_err(|error| Refusal::soon("database", error.to_string()))
}

fn refuse(engine: &Engine, name: &AgentName, error: SessionError) -> Refusal {
    let text = error.to_string();
    match error {
        SessionError::Unknown { .. } => Refusal::new("unknown_agent", text),
        SessionError::Revoked { .. } => Refusal::new("revoked", text),
        SessionError::Quarantined { .. } | SessionError::SequenceWentBack { .. } => {
            tracing::error!(agent = %name, text, "quarantined");
            engine.fleet().lock().quarantine(name, text.clone());
            Refusal::new("quarantined", text)
        }
        SessionError::Superseded { .. } => Refusal::soon("superseded", text),
        SessionError::Doubtful { .. } => Refusal::soon("silent", text),
        SessionError::Store(_) => Refusal::soon("database", text),
    }
}
