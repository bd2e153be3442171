//! `GET /api/v1/events`: a WebSocket with a notice for every change. A notice is a hint to look, never the truth itself. Whoever
//! comes back says the id of the last message it has, and gets what it missed; whoever missed too much is told `resync`.

use super::agents::not_a_websocket;
use super::answers::{LiveMessage, PauseNews, Waits};
use super::auth;
use super::caller::Caller;
use super::extract::Parameters;
use super::reply::Live;
use super::time::At;
use super::{App, Problem};
use crate::feed::{Heard, Listener, Notice, Position, Told};
use crate::identity::Unknown;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use futures_util::{FutureExt, SinkExt};
use pulse_core::access::Verb;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior};

/// The protocol that is agreed on where the client offers it. A browser that sends its token as a protocol has to offer this
/// one too, because the token must not be repeated in an answer.
const PROTOCOL: &str = "pulse.v1";
/// A message that cannot be written for so long means a dead peer.
const WRITE: Duration = Duration::from_secs(20);
/// A ping after so much silence, so that a dead peer is noticed.
const PING: Duration = Duration::from_secs(20);
/// Nothing that a listener could send is larger.
const MAX_MESSAGE: usize = 4096;
/// Notices that are told in one go, at most.
const AT_ONCE: usize = 64;
/// How often it is asked whether who listens still may.
const RECHECK: Duration = Duration::from_secs(4);
/// Listeners at a time.
const MAX_LISTENERS: usize = 1000;

/// The places for listeners; clones share them.
#[derive(Clone)]
pub struct Seats(Arc<Semaphore>);

impl Default for Seats {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_LISTENERS)))
    }
}

impl Seats {
    /// A place, free again when it is dropped.
    fn take(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            let said = format!("{MAX_LISTENERS} listen already; ask again in a moment, or look from time to time");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", said)
        })
    }
}

/// What is asked for.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    /// The id of the last message that the listener has.
    after: Option<String>,
    /// Of executions and prompts, those of this workflow only.
    workflow: Option<String>,
}

/// Begins to send notices.
pub(super) async fn upgrade(
    State(app): State<App>,
    parts: Parts,
    caller: Caller,
    Parameters(query): Parameters<EventsQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Live, Problem> {
    let mut upgrade = upgrade.map_err(|rejection| not_a_websocket(&rejection))?.max_message_size(MAX_MESSAGE);
    if upgrade.requested_protocols().any(|offered| offered == PROTOCOL) {
        upgrade.set_selected_protocol(HeaderValue::from_static(PROTOCOL));
    }
    let after = query.after.map(|after| after.parse::<Position>()).transpose();
    let after = after.map_err(|error| Problem::parameter("after", format!("{error} of this socket")))?;
    let seat = app.seats.take()?;
    // It listens before the answer: whoever reads the state after it has opened misses nothing.
    let listener = app.engine.feed().listen(after.as_ref());
    Ok(Live(upgrade.on_upgrade(async move |mut socket| {
        let _seat = seat;
        let over = tokio::select! {
            over = tell(&mut socket, listener, Hearing { app: &app, parts, caller, workflow: query.workflow }) => over,
            () = app.engine.cut_off() => Some((1001, "the database cannot be reached; another controller may be active")),
        };
        if let Some((code, reason)) = over {
            close(&mut socket, code, reason).await;
        }
    })))
}

/// Who listens, and to what.
struct Hearing<'a> {
    app: &'a App,
    /// What they came in with, to be asked again.
    parts: Parts,
    caller: Caller,
    workflow: Option<String>,
}

impl Hearing<'_> {
    /// Whether who listens may still do so: a token may be revoked, a session end, a policy change. Where that cannot be found out, what was
    /// so a moment ago still counts.
    async fn is_still_welcome(&mut self) -> bool {
        match auth::caller(self.app, &self.parts, true).await {
            Ok(caller) => {
                let may = caller.could(Verb::View).is_ok();
                self.caller = caller;
                may
            }
            Err(Unknown::Store(_)) => true,
            Err(_) => false,
        }
    }
}

/// Tells until it is over; answers what the listener is told of that, where it can still be told.
async fn tell(socket: &mut WebSocket, mut listener: Listener, mut hearing: Hearing<'_>) -> Option<(u16, &'static str)> {
    let mut stopping = hearing.app.stopping.clone();
    let mut recheck = tokio::time::interval(RECHECK);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut unanswered = false;
    let mut next = Some(first(&mut listener));
    let mut said = Instant::now();
    loop {
        let message = match next.take() {
            Some(message) => message,
            None => tokio::select! {
                () = stopped(&mut stopping) => return Some((1001, "the controller stops")),
                heard = socket.recv() => match heard {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                        unanswered = false;
                        continue;
                    }
                    Some(Ok(Message::Text(_) | Message::Binary(_))) => {
                        return Some((1008, "this socket only tells; requests go to the REST API"));
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                },
                _ = recheck.tick() => match hearing.is_still_welcome().await {
                    true => continue,
                    false => return Some((1008, "you may not listen any more; sign in again")),
                },
                heard = listener.next() => match text(&listener, &heard, &hearing) {
                    Some(text) => Message::text(text),
                    None => continue,
                },
                () = tokio::time::sleep_until(said + PING) => match std::mem::replace(&mut unanswered, true) {
                    true => return None,
                    false => Message::Ping(axum::body::Bytes::new()),
                },
            },
        };
        if !matches!(tokio::time::timeout(WRITE, say(socket, message, &mut listener, &hearing)).await, Ok(Ok(()))) {
            return None;
        }
        said = Instant::now();
    }
}

/// Says this, and what else is there to be told by now, in one go.
#[expect(clippy::disallowed_methods, reason = "a notice to a listener, who asks again where one is lost")]
async fn say(
    socket: &mut WebSocket,
    message: Message,
    listener: &mut Listener,
    hearing: &Hearing<'_>,
) -> Result<(), axum::Error> {
    socket.feed(message).await?;
    for _ in 0..AT_ONCE {
        let Some(heard) = listener.next().now_or_never() else { break };
        if let Some(text) = text(listener, &heard, hearing) {
            socket.feed(Message::text(text)).await?;
        }
    }
    socket.flush().await
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stopping| *stopping).await);
}

/// The first message says from where on it tells.
fn first(listener: &mut Listener) -> Message {
    let id = listener.position().to_string();
    let word = if listener.begins_lost() { LiveMessage::Resync { id } } else { LiveMessage::Hello { id } };
    Message::text(json!(word).to_string())
}

/// What a listener is told; nothing of other workflows than its own.
fn text(listener: &Listener, heard: &Heard, hearing: &Hearing<'_>) -> Option<String> {
    let told = match heard {
        Heard::Lost(position) => return Some(json!(LiveMessage::Resync { id: position.to_string() }).to_string()),
        Heard::Notice(told) => told,
    };
    let wanted = hearing.workflow.as_deref();
    let is_other = wanted.is_some_and(|wanted| told.notice.workflow().is_some_and(|workflow| workflow != wanted));
    let made = |told: &Told| json!(view(&told.notice, &listener.position())).to_string();
    (!is_other && hearing.caller.sees(&told.notice.object())).then(|| told.text(made).to_owned())
}

fn view(notice: &Notice, id: &Position) -> LiveMessage {
    let id = id.to_string();
    match notice.clone() {
        Notice::Execution { execution, source, workflow, number, seq, status, waits, .. } => {
            let (name, waits) =
                (format!("{workflow}#{number}"), waits.map(|waits| Waits { reason: waits.reason, since: At(waits.since) }));
            LiveMessage::Execution { id, execution, source, workflow, number, name, seq, status, waits }
        }
        Notice::Prompt { prompt, execution, source, workflow, number, status, .. } => {
            let (name, status) = (format!("{workflow}#{number}"), status.as_str());
            LiveMessage::Prompt { id, prompt, execution, source, workflow, number, name, status }
        }
        Notice::Pause { pause, scope, ended, expires_at } => {
            let status = if ended { PauseNews::Ended } else { PauseNews::Set };
            LiveMessage::Pause { id, pause, scope, status, expires_at: expires_at.map(At) }
        }
        Notice::Agent { agent, state } => LiveMessage::Agent { id, agent, state },
        Notice::Sync { source, sync, outcome } => LiveMessage::Sync { id, source, sync, outcome },
    }
}

async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let frame = CloseFrame { code, reason: reason.into() };
    // The peer may be gone already; then there is nobody to tell.
    drop(tokio::time::timeout(WRITE, socket.send(Message::Close(Some(frame)))).await);
}

#[cfg(test)]
mod tests {
    use super::{MAX_LISTENERS, Seats};

    #[test]
    fn a_place_is_free_again_when_its_listener_goes() {
        let seats = Seats::default();
        let mut taken: Vec<_> = (0..MAX_LISTENERS).map(|_| seats.take().unwrap()).collect();
        assert!(seats.take().is_err());
        taken.pop();
        assert!(seats.take().is_ok());
    }
}
