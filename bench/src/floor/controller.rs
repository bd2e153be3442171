//! The floor's controller.

use super::agent::Wanted;
use super::writer::{Transition, Writer};
use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};

/// Notices that a slow listener may lag behind.
const KEPT: usize = 65_536;

#[derive(Clone)]
struct Floor {
    writer: Writer,
    agents: Arc<Mutex<Vec<mpsc::Sender<Wanted>>>>,
    turn: Arc<AtomicUsize>,
    events: broadcast::Sender<Arc<str>>,
}

#[derive(Deserialize)]
struct Start {
    workflow: String,
}

/// Serves until it is killed.
pub async fn run(address: SocketAddr, database: &str) -> anyhow::Result<()> {
    let floor = Floor {
        writer: Writer::start(database).await?,
        agents: Arc::default(),
        turn: Arc::default(),
        events: broadcast::channel(KEPT).0,
    };
    let router = Router::new()
        .route("/ping", get(async || StatusCode::NO_CONTENT))
        .route("/echo", get(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo)))
        .route("/agents", get(async |State(floor): State<Floor>| Json(floor.agents().len())))
        .route(
            "/session",
            get(async |State(floor): State<Floor>, upgrade: WebSocketUpgrade| upgrade.on_upgrade(|socket| floor.serve(socket))),
        )
        .route(
            "/api/v1/events",
            get(async |State(floor): State<Floor>, upgrade: WebSocketUpgrade| upgrade.on_upgrade(|socket| floor.tell(socket))),
        )
        .route("/api/v1/executions", post(start))
        .with_state(floor);
    let listener = TcpListener::bind(address).await?.tap_io(|stream| drop(stream.set_nodelay(true)));
    Ok(axum::serve(listener, router).await?)
}

async fn start(State(floor): State<Floor>, Json(Start { workflow }): Json<Start>) -> Response {
    let id = uuid::Uuid::now_v7().to_string();
    let first = Transition { id: id.clone(), seq: 1, status: "running" };
    if let Err(error) = floor.writer.commit(first).await {
        return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response();
    }
    let agent = {
        let agents = floor.agents();
        let turn = floor.turn.fetch_add(1, Ordering::Relaxed);
        agents.get(turn % agents.len().max(1)).cloned()
    };
    let sent = match agent {
        Some(agent) => agent.send(Wanted { id: id.clone(), workflow }).await.is_ok(),
        None => false,
    };
    if sent {
        (StatusCode::CREATED, Json(json!({ "id": id }))).into_response()
    } else {
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

impl Floor {
    fn agents(&self) -> std::sync::MutexGuard<'_, Vec<mpsc::Sender<Wanted>>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An agent's session.
    async fn serve(self, socket: WebSocket) {
        let (mut sink, mut stream) = socket.split();
        let (outbox, mut wanted) = mpsc::channel::<Wanted>(1024);
        self.agents().push(outbox);
        tokio::spawn(async move {
            while let Some(wanted) = wanted.recv().await {
                if sink.send(Message::Text(json!(wanted).to_string().into())).await.is_err() {
                    return;
                }
            }
        });
        while let Some(Ok(Message::Text(id))) = stream.next().await {
            let floor = self.clone();
            tokio::spawn(async move { floor.end(id.as_str()).await });
        }
    }

    async fn end(&self, id: &str) {
        let last = Transition { id: id.to_owned(), seq: 2, status: "succeeded" };
        match self.writer.commit(last).await {
            // Nobody may be listening.
            Ok(()) => drop(self.events.send(notice(id).to_string().into())),
            Err(error) => eprintln!("{id}: {error:#}"),
        }
    }

    /// A listener's socket.
    async fn tell(self, mut socket: WebSocket) {
        let mut events = self.events.subscribe();
        while let Ok(text) = events.recv().await {
            if socket.send(Message::Text((&*text).into())).await.is_err() {
                return;
            }
        }
    }
}

fn notice(id: &str) -> Value {
    json!({ "type": "execution", "execution": id, "status": "succeeded" })
}
