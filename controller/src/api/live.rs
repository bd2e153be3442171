//! `GET /api/v1/events`: a WebSocket with a notice for every change of an execution. A notice is a hint to look, never the
//! truth itself; one that is lost to a slow listener is told as `resync`.

use super::agents::not_a_websocket;
use super::{App, Problem};
use crate::engine::Notice;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderValue;
use axum::response::Response;
use serde_json::json;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

/// The protocol that is agreed on where the client offers it. A browser that sends its token as a protocol has to offer this
/// one too, because the token must not be repeated in an answer.
const PROTOCOL: &str = "pulse.v1";
/// A message that cannot be written for so long means a dead peer.
const WRITE: Duration = Duration::from_secs(20);
/// A ping after so much silence, so that a dead peer is noticed.
const PING: Duration = Duration::from_secs(20);
/// Nothing that a listener could send is larger.
const MAX_MESSAGE: usize = 4096;

/// Begins to send notices.
pub(super) async fn upgrade(
    State(app): State<App>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let mut upgrade = upgrade.map_err(|rejection| not_a_websocket(&rejection))?.max_message_size(MAX_MESSAGE);
    if upgrade.requested_protocols().any(|offered| offered == PROTOCOL) {
        upgrade.set_selected_protocol(HeaderValue::from_static(PROTOCOL));
    }
    // Subscribed before the answer: whoever reads the state after it has opened misses nothing.
    let notices = app.engine.subscribe();
    Ok(upgrade.on_upgrade(async move |mut socket| {
        let over = tokio::select! {
            over = tell(&mut socket, notices, app.stopping) => over,
            () = app.engine.cut_off() => Some((1001, "the database cannot be reached; another controller may be active")),
        };
        if let Some((code, reason)) = over {
            close(&mut socket, code, reason).await;
        }
    }))
}

/// Tells until it is over; answers what the listener is told of that, where it can still be told.
async fn tell(
    socket: &mut WebSocket,
    mut notices: Receiver<Notice>,
    mut stopping: watch::Receiver<bool>,
) -> Option<(u16, &'static str)> {
    let mut unanswered = false;
    loop {
        let message = tokio::select! {
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
            notice = tokio::time::timeout(PING, notices.recv()) => match notice {
                Ok(heard) => match text(heard) {
                    Some(message) => message,
                    None => return Some((1001, "the controller stops")),
                },
                Err(_) if std::mem::replace(&mut unanswered, true) => return None,
                Err(_) => Message::Ping(axum::body::Bytes::new()),
            },
        };
        if !matches!(tokio::time::timeout(WRITE, socket.send(message)).await, Ok(Ok(()))) {
            return None;
        }
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stopping| *stopping).await);
}

/// What a listener is told; `None` once there is nothing more to tell. Whoever missed notices is told so, and goes on with the
/// oldest that is kept.
fn text(heard: Result<Notice, RecvError>) -> Option<Message> {
    let value = match heard {
        Ok(notice) => json!({
            "type": "execution",
            "execution": notice.execution,
            "workflow": notice.workflow,
            "number": notice.number,
            "name": format!("{}#{}", notice.workflow, notice.number),
            "seq": notice.seq,
            "status": notice.status,
        }),
        Err(RecvError::Lagged(_)) => json!({ "type": "resync" }),
        Err(RecvError::Closed) => return None,
    };
    Some(Message::text(value.to_string()))
}

async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let frame = CloseFrame { code, reason: reason.into() };
    // The peer may be gone already; then there is nobody to tell.
    drop(tokio::time::timeout(WRITE, socket.send(Message::Close(Some(frame)))).await);
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::engine::Notice;
    use pulse_protocol::ExecutionId;
    use tokio::sync::broadcast;

    #[tokio::test]
    async fn a_slow_listener_is_told_to_look_at_everything_again() {
        let (sender, mut receiver) = broadcast::channel(2);
        let execution = ExecutionId(uuid::Uuid::nil());
        for seq in 1..=4 {
            let notice = Notice { execution, workflow: "a".into(), number: 1, seq, status: "running" };
            sender.send(notice).unwrap();
        }
        drop(sender);
        let mut told = Vec::new();
        while let Some(message) = text(receiver.recv().await) {
            told.push(serde_json::from_str::<serde_json::Value>(message.to_text().unwrap()).unwrap());
        }
        assert_eq!(told[0], serde_json::json!({ "type": "resync" }));
        assert_eq!(told[1..].iter().map(|notice| notice["seq"].as_u64().unwrap()).collect::<Vec<_>>(), [3, 4]);
    }
}
